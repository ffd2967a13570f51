"""The body: its proportions and its skin, arms by inverse kinematics, and motion as points in three dimensions."""
