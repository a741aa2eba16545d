/** Rows of numbers, all of the same length. */
export type Matrix = readonly (readonly number[])[];

/** The element in a row and column. @throws RangeError outside */
export function at(matrix: Matrix, row: number, column: number): number {
  const value = matrix[row]?.[column];
  if (value === undefined) throw new RangeError(`no element ${row}, ${column}`);
  return value;
}

/** The number of a place. @throws RangeError outside */
export function nth(vector: readonly number[], place: number): number {
  const value = vector[place];
  if (value === undefined) throw new RangeError(`no element ${place}`);
  return value;
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * nth(b, i), 0);
}

export function times(matrix: Matrix, vector: readonly number[]): number[] {
  return matrix.map((row) => dot(row, vector));
}

/** `w' M w`: of weights and a covariance the variance. */
export function quadratic(matrix: Matrix, vector: readonly number[]): number {
  return dot(vector, times(matrix, vector));
}

export function sum(vector: readonly number[]): number {
  return vector.reduce((total, value) => total + value, 0);
}

export function mean(vector: readonly number[]): number {
  return sum(vector) / vector.length;
}
