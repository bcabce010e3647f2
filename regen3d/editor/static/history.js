// Undo and redo: every change is kept as the rectangle of pixels that it touched, and the list of objects before and after.
const MOST = 200;

export class History {
  constructor() { this.done = []; this.undone = []; }

  add(change) {
    this.done.push(change);
    if (this.done.length > MOST) this.done.shift();
    this.undone = [];
  }

  undo(apply) { this.move(this.done, this.undone, (change) => apply(change.box, change.before)); }
  redo(apply) { this.move(this.undone, this.done, (change) => apply(change.box, change.after)); }

  move(from, to, act) {
    const change = from.pop();
    if (!change) return;
    act(change);
    to.push(change);
  }
}

// The rectangle in which two pictures differ, and what each holds there; null where they are equal.
export function difference(before, after, width) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -1, -1];
  for (let k = 0; k < before.length; k++) {
    if (before[k] === after[k]) continue;
    const x = k % width;
    const y = (k - x) / width;
    if (x < x0) x0 = x;
    if (x > x1) x1 = x;
    if (y < y0) y0 = y;
    if (y > y1) y1 = y;
  }
  return x1 < 0 ? null : { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
}

export function cutOut(pixels, box, width) {
  const part = new Uint8Array(box.width * box.height);
  for (let row = 0; row < box.height; row++) {
    const start = (box.y + row) * width + box.x;
    part.set(pixels.subarray(start, start + box.width), row * box.width);
  }
  return part;
}

export function putIn(pixels, part, box, width) {
  for (let row = 0; row < box.height; row++) {
    pixels.set(part.subarray(row * box.width, (row + 1) * box.width), (box.y + row) * width + box.x);
  }
}
