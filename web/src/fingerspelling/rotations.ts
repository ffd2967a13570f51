/** Rotations of directions in space, as `text_to_pose.signing.rotations`; matrices (3, 3) are rows of numbers. */

export type Vector = [number, number, number];
export type Matrix = [Vector, Vector, Vector];

export const EYE: Matrix = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

export function turn(matrix: Matrix, [x, y, z]: Vector): Vector {
  return matrix.map(([a, b, c]) => a * x + b * y + c * z) as Vector;
}

export function product(first: Matrix, second: Matrix): Matrix {
  const columns = transposed(second);
  return first.map((row) => columns.map((column) => dot(row, column))) as Matrix;
}

export function transposed(matrix: Matrix): Matrix {
  return [0, 1, 2].map((i) => matrix.map((row) => row[i])) as Matrix;
}

export function dot(first: Vector, second: Vector): number {
  return first[0] * second[0] + first[1] * second[1] + first[2] * second[2];
}

export function scaled(vector: Vector, factor: number): Vector {
  return vector.map((value) => value * factor) as Vector;
}

/** The rotation about a vector, by its length in radians. */
export function fromVector(vector: Vector): Matrix {
  const angle = Math.hypot(...vector);
  const [x, y, z] = vector;
  const about: Matrix = [[0, -z, y], [z, 0, -x], [-y, x, 0]];
  const sinc = (value: number) => (value === 0 ? 1 : Math.sin(value) / value);
  const [first, second] = [sinc(angle), sinc(angle / 2) ** 2 / 2];
  const twice = product(about, about);
  return EYE.map((row, i) => row.map((value, j) => value + first * about[i][j] + second * twice[i][j])) as Matrix;
}

/** The rotation vector of a rotation, at most half a turn long. */
export function toVector(rotation: Matrix): Vector {
  const twice: Vector = [rotation[2][1] - rotation[1][2], rotation[0][2] - rotation[2][0], rotation[1][0] - rotation[0][1]];
  const sine = Math.hypot(...twice) / 2;
  const cosine = (rotation[0][0] + rotation[1][1] + rotation[2][2] - 1) / 2;
  const angle = Math.atan2(sine, cosine);
  if (sine < 1e-4 && cosine < 0) {
    // Near half a turn the axis is that of the symmetric part; which way it turns is what little sine there is.
    const outer = rotation.map((row, i) => row.map((value, j) => (value + rotation[j][i]) / 2 + Number(i === j))) as Matrix;
    const diagonal = outer.map((row, i) => row[i]);
    const column = diagonal.indexOf(Math.max(...diagonal));
    const axis = outer.map((row) => row[column]) as Vector;
    const sign = dot(axis, twice) < 0 ? -1 : 1;
    return scaled(axis, (sign * angle) / Math.hypot(...axis));
  }
  return scaled(twice, sine < 1e-9 ? 0.5 : angle / (2 * sine));
}

/** The least rotation that turns one direction into another, both of length 1. */
export function shortest(first: Vector, second: Vector): Matrix {
  const axis: Vector = [
    first[1] * second[2] - first[2] * second[1],
    first[2] * second[0] - first[0] * second[2],
    first[0] * second[1] - first[1] * second[0],
  ];
  const sine = Math.hypot(...axis);
  return fromVector(scaled(axis, Math.atan2(sine, dot(first, second)) / Math.max(sine, 1e-9)));
}

/** The rotation that turns points nearest to others (W. Kabsch, 1976), by P. Davenport's quaternion. */
export function nearest(from: Vector[], to: Vector[]): Matrix {
  const sums = [0, 1, 2].map((i) => [0, 1, 2].map((j) => from.reduce((sum, point, n) => sum + point[i] * to[n][j], 0)));
  const trace = sums[0][0] + sums[1][1] + sums[2][2];
  const z = [sums[1][2] - sums[2][1], sums[2][0] - sums[0][2], sums[0][1] - sums[1][0]];
  const form = [[trace, ...z], ...[0, 1, 2].map((i) => [z[i], ...[0, 1, 2].map((j) => sums[i][j] + sums[j][i] - (i === j ? trace : 0))])];
  const [w, x, y, v] = largestEigenvector(form);
  return [
    [1 - 2 * (y * y + v * v), 2 * (x * y - v * w), 2 * (x * v + y * w)],
    [2 * (x * y + v * w), 1 - 2 * (x * x + v * v), 2 * (y * v - x * w)],
    [2 * (x * v - y * w), 2 * (y * v + x * w), 1 - 2 * (x * x + y * y)],
  ];
}

/** Of a symmetric matrix, by C. Jacobi's rotations. */
function largestEigenvector(matrix: number[][]): number[] {
  const size = matrix.length;
  const values = matrix.map((row) => row.slice());
  const vectors = matrix.map((_, i) => matrix.map((_, j) => Number(i === j)));
  for (let sweep = 0; sweep < 30; sweep++)
    for (let p = 0; p < size; p++)
      for (let q = p + 1; q < size; q++) {
        if (values[p][q] === 0) continue;
        const angle = Math.atan2(2 * values[p][q], values[q][q] - values[p][p]) / 2;
        const [c, s] = [Math.cos(angle), Math.sin(angle)];
        for (let k = 0; k < size; k++) [values[k][p], values[k][q]] = [c * values[k][p] - s * values[k][q], s * values[k][p] + c * values[k][q]];
        for (let k = 0; k < size; k++) [values[p][k], values[q][k]] = [c * values[p][k] - s * values[q][k], s * values[p][k] + c * values[q][k]];
        for (let k = 0; k < size; k++) [vectors[k][p], vectors[k][q]] = [c * vectors[k][p] - s * vectors[k][q], s * vectors[k][p] + c * vectors[k][q]];
      }
  const diagonal = values.map((row, i) => row[i]);
  const best = diagonal.indexOf(Math.max(...diagonal));
  return vectors.map((row) => row[best]);
}
