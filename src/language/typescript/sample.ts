/**
 * Shapes, and what is made of them.
 * @module
 */
import fs, { type Stats } from "node:fs";
import * as path from "node:path";
import type { Unit } from "./unit";
import legacy = require("./legacy");

export * from "./corners";
export { draw as paint } from "./draw";

/** How many there may be. */
export const LIMIT = 3;
export let current: Shape | undefined;
const cache = new Map<string, Shape>();

export type Area = { width: number; height?: number; unit: Unit };
export type Handler<T extends Shape = Shape> = (shape: T, index: number) => void | Promise<void>;

/** What every shape has. */
export interface Drawable extends Iterable<number> {
  readonly name: string;
  draw(on: Canvas, ...rest: number[]): void;
  [key: string]: unknown;
}

export enum Colour {
  Red,
  Green = "green",
}

declare global {
  interface Window {
    shapes: Shape[];
  }
}

declare module "./unit" {
  interface Unit {
    short: string;
  }
}

namespace Inner {
  export const depth = 1;
}

function decorated(target: unknown): void {}

@decorated
export abstract class Shape implements Drawable {
  static count = 0;
  #secret = 1;
  sides: number = 4;

  constructor(private readonly store: fs.Stats, public name: string) {}

  /**
   * The area.
   * @param unit in which it is measured
   */
  @decorated
  area(unit: Unit = "m"): number {
    if (unit === "m" && this.sides > 2) {
      for (const side of [1, 2]) console.log(side);
    }
    return this.sides;
  }

  get label(): string {
    return `a shape with ${this.sides} sides`;
  }

  abstract draw(on: Canvas): void;

  static async load(file: string): Promise<Shape> {
    return (await import(path.join(file))).default as Shape;
  }
}

export function area(shape: Shape): number;
export function area(shape: Shape, unit: Unit): number;
export function area(shape: Shape, unit?: Unit): number {
  return shape.area(unit);
}

export async function* each(shapes: Shape[]) {
  for (const shape of shapes) yield shape;
}

export const double = (shape: Shape): number => area(shape) * 2;

export const options = {
  depth: 2,
  nested: { deep: true },
  onDraw(shape: Shape) {
    return shape;
  },
} as const;

export default double;
