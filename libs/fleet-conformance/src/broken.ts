/** The service does not do what a rule says. */
export class Broken extends Error {
  constructor(
    readonly expected: string,
    readonly got: string,
  ) {
    super(`expected ${expected}, got ${got}`);
    this.name = 'Broken';
  }
}

/** It can't be found out whether the service keeps a rule. */
export class NotChecked extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'NotChecked';
  }
}
