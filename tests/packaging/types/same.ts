type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Compiles only where the type of the value is exactly the one expected: `any` is nothing but `any`. */
export function same<Expected>() {
  return <Actual>(value: Actual, ..._: Same<Expected, Actual> extends true ? [] : [never]): Actual => value;
}
