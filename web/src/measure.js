// The measuring tool: straight distances between points on surfaces, in metres.
import { metres } from "./stage.js";

export class Measure {
  constructor(stage, say) {
    this.stage = stage;
    this.say = say;
    this.on = false;
    this.clear();
  }

  turn(on) {
    this.on = on;
    this.pending = null;
    this.stage.mark(this.pairs, null);
  }

  clear() {
    this.pairs = [];
    this.pending = null;
    this.stage.mark([], null);
  }

  add(x, y) {
    const hit = this.stage.hit(x, y);
    if (!hit) return this.say("There is no surface at that point.");
    if (!this.pending) {
      this.pending = hit.point;
      this.say("Now the second point.");
    } else {
      const length = this.pending.distanceTo(hit.point);
      const rise = Math.abs(hit.point.y - this.pending.y);
      this.pairs.push([this.pending, hit.point]);
      this.pending = null;
      this.say(`${metres(length)} apart, ${metres(rise)} of it in height.`);
    }
    this.stage.mark(this.pairs, this.pending);
  }
}
