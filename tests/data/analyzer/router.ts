// SPDX-License-Identifier: MIT

/**
 * Routes requests
 * to handlers.
 */
export class Router {
  /* HACK: the order matters */
  private routes = `// TODO: no ${1}`;

  // todo: lower case with a colon counts
  match(path: string): boolean {
    return path === "/*"; // XXX slow
  }
}
