"use strict";
const fs = require("node:fs");
const { join } = require("path");

/** Stores values. */
class Store extends Map {
  static size = 1;
  #items = [];

  constructor(options) {
    super();
    this.options = options;
  }

  /** Adds one. */
  add(item, { force = false } = {}) {
    if (force || item) this.#items.push(item);
    return this;
  }
}

function open(file, mode = "r") {
  return fs.openSync(join(".", file), mode);
}

open.sync = true;
Store.prototype.close = function () {
  return 1;
};

exports.open = open;
module.exports = { open, Store, close() {}, version: "1" };

describe("store", () => {
  it("adds", () => {
    new Store().add(1);
  });
});
