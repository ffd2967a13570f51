import torch

from text_to_pose.sampling import normal_noise


def test_noise_does_not_depend_on_padding():
    mask = torch.arange(9) < torch.tensor([[5], [9]])
    long = normal_noise(mask, torch.zeros(2, 9, 3, 2), seed=4)
    short = normal_noise(torch.ones(1, 5, dtype=torch.bool), torch.zeros(1, 5, 3, 2), seed=4)
    for _ in range(3):
        padded = next(long)
        torch.testing.assert_close(padded[:1, :5], next(short), atol=0, rtol=0)
        assert (padded[0, 5:] == 0).all()
