/** Numbers from 0 to 1, the same for the same seed everywhere: Numerical Recipes' linear congruential generator. */
export function* moments(seed: number): Generator<number> {
  for (let state = seed >>> 0; ; ) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state / 2 ** 32;
  }
}
