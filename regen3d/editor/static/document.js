// What is edited: the number of the object at every pixel, and the list of objects. Every change goes through `change`.
import { History, cutOut, difference, putIn } from "./history.js";
import { emptyRegion, holes, parts } from "./regions.js";

const MOST_OBJECTS = 200;

export class MaskDocument extends EventTarget {
  constructor(facts, index) {
    super();
    this.size = { width: facts.width, height: facts.height };
    this.index = index;
    this.objects = facts.objects.map((item) => ({ ...item, support: item.support ?? "" }));
    this.history = new History();
    this.chosen = [];
    this.saved = this.mark();
  }

  mark() { return this.history.done.at(-1); }
  get dirty() { return this.mark() !== this.saved; }
  object(id) { return this.objects.find((item) => item.id === id); }
  get current() { return this.object(this.chosen[0]); }

  choose(ids) {
    this.chosen = ids.filter((id) => this.object(id));
    this.dispatchEvent(new Event("chosen"));
  }

  // Run an edit on pixels and objects as one step of the history; `false` from it takes everything back.
  change(what, edit) {
    const index = this.index.slice();
    const objects = structuredClone(this.objects);
    if (edit() === false) {
      this.index = index;
      this.objects = objects;
      return;
    }
    const box = difference(index, this.index, this.size.width);
    if (!box && JSON.stringify(objects) === JSON.stringify(this.objects)) return;
    const part = (pixels) => (box ? cutOut(pixels, box, this.size.width) : null);
    this.history.add({
      what, box, before: { pixels: part(index), objects }, after: { pixels: part(this.index), objects: structuredClone(this.objects) },
    });
    this.changed(box);
  }

  apply(box, state) {
    if (box) putIn(this.index, state.pixels, box, this.size.width);
    this.objects = structuredClone(state.objects);
    this.chosen = this.chosen.filter((id) => this.object(id));
    this.changed(box);
  }

  undo() { this.history.undo((box, state) => this.apply(box, state)); }
  redo() { this.history.redo((box, state) => this.apply(box, state)); }
  changed(box) { this.dispatchEvent(new CustomEvent("changed", { detail: box })); }

  region(id) { return this.index.map((number) => (number === id ? 1 : 0)); }
  others(id) { return this.index.map((number) => (number && number !== id ? 1 : 0)); }
  count(id) { return this.index.reduce((sum, number) => sum + (number === id), 0); }

  // Give pixels to an object; with `keep`, only those that no other object has.
  paint(id, region, keep) {
    for (let k = 0; k < region.length; k++) if (region[k] && (!keep || !this.index[k])) this.index[k] = id;
  }

  erase(id, region) {
    for (let k = 0; k < region.length; k++) if (region[k] && this.index[k] === id) this.index[k] = 0;
  }

  // Make an object have exactly these pixels.
  replace(id, region) {
    for (let k = 0; k < region.length; k++) {
      if (region[k]) this.index[k] = id;
      else if (this.index[k] === id) this.index[k] = 0;
    }
  }

  // A new object; null where there is no room for one.
  add(label = "object") {
    const taken = new Set(this.objects.map((item) => item.id));
    const id = Array.from({ length: 255 }, (_, k) => k + 1).find((number) => !taken.has(number));
    if (!id || this.objects.length >= MOST_OBJECTS) return null;
    const made = { id, label, name: this.freeName(label), support: "", found: null };
    this.objects.push(made);
    return made;
  }

  freeName(label, except) {
    const stem = label.normalize("NFKD").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 50) || "object";
    const names = new Set(this.objects.filter((item) => item.id !== except).map((item) => item.name));
    for (let n = 1; ; n++) if (!names.has(`${stem}-${n}`)) return `${stem}-${n}`;
  }

  rename(id, name) {
    const old = this.object(id).name;
    for (const item of this.objects) if (item.support === old) item.support = name;
    this.object(id).name = name;
  }

  remove(ids) {
    const names = this.objects.filter((item) => ids.includes(item.id)).map((item) => item.name);
    this.objects = this.objects.filter((item) => !ids.includes(item.id));
    for (const item of this.objects) if (names.includes(item.support)) item.support = "";
    for (let k = 0; k < this.index.length; k++) if (ids.includes(this.index[k])) this.index[k] = 0;
  }

  merge([into, ...rest]) {
    for (let k = 0; k < this.index.length; k++) if (rest.includes(this.index[k])) this.index[k] = into;
    this.remove(rest);
  }

  // The pixels of an object that lie in a region become an object of their own.
  split(id, region) {
    const moved = this.index.map((number, k) => (number === id && region[k] ? 1 : 0));
    const count = moved.reduce((sum, inside) => sum + inside, 0);
    if (!count || count === this.count(id)) return null;
    const made = this.add(this.object(id).label);
    if (made) this.paint(made.id, moved, false);
    return made;
  }

  // Every connected part but the largest becomes an object; specks stay where they are.
  separate(id) {
    const found = parts(this.region(id), this.size);
    const least = 0.02 * (found[0]?.length ?? 0);
    const made = found.slice(1).filter((pixels) => pixels.length > least).map((pixels) => {
      const region = emptyRegion(this.size);
      for (const pixel of pixels) region[pixel] = 1;
      return this.split(id, region);
    });
    return made.filter(Boolean);
  }

  fillHoles(id) { this.paint(id, holes(this.region(id), this.size), true); }

  // Without specks: parts below a fiftieth of the largest one.
  tidy(id) {
    const found = parts(this.region(id), this.size);
    for (const pixels of found.slice(1)) {
      if (pixels.length < 0.02 * found[0].length) for (const pixel of pixels) this.index[pixel] = 0;
    }
  }
}
