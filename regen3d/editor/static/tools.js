// The tools. Each has `down`, `move`, `up` in pixels of the picture; a step of the history is one stroke of one tool.
import { pack, polygon, stroke, unpack } from "./regions.js";

const TAKE_AWAY = "With Alt, or with the right button, it takes away.";

export const TOOLS = [
  { name: "select", key: "v", label: "Choose", icon: "M5 3l14 8-6 2-3 6z", hint: "Click an object to choose it; with Shift, one more." },
  { name: "click", key: "a", label: "Click", icon: "M12 5v14M5 12h14", hint: `Click what belongs to the object; its outline is found. ${TAKE_AWAY}` },
  { name: "brush", key: "b", label: "Brush", icon: "M4 20c3 0 4-1 4-3l9-12 3 2-10 11c0 2-2 3-6 2z", hint: `Paint the object. ${TAKE_AWAY} [ and ] change the size.` },
  { name: "lasso", key: "l", label: "Lasso", icon: "M12 4c5 0 8 2 8 5s-3 5-8 5-8-2-8-5 3-5 8-5zM8 14c-2 2-1 6 2 6", hint: `Draw round what belongs to the object. ${TAKE_AWAY}` },
  { name: "box", key: "r", label: "Box", icon: "M4 6h16v12H4z", hint: "Draw a box: the object in it is cut out. With Alt, everything in the box is taken away." },
  { name: "split", key: "s", label: "Split", icon: "M12 3v18M4 8l4 4-4 4M20 8l-4 4 4 4", hint: "Draw round the part of the object that is an object of its own." },
];

export class Tools {
  constructor(masks, drawing, ask, say) {
    Object.assign(this, { masks, drawing, ask, say });
    this.radius = 12;
    this.keep = false;
    this.marks = { id: null, on: [], beside: [] };
    this.pick("select");
    masks.addEventListener("chosen", () => this.forgetMarks());
    masks.addEventListener("changed", () => { if (!this.cutting) this.forgetMarks(); });
  }

  pick(name) {
    this.tool = TOOLS.find((item) => item.name === name);
    this.cancel();
    this.forgetMarks();
  }

  forgetMarks() {
    this.marks = { id: null, on: [], beside: [] };
    this.drawing.marks = [];
    this.drawing.draw();
  }

  cancel() {
    this.path = null;
    this.strokes = null;
    this.drawing.guide = null;
    this.drawing.draw();
  }

  under({ x, y }) {
    const { width, height } = this.masks.size;
    const inside = x >= 0 && y >= 0 && x < width && y < height;
    return inside ? this.masks.index[Math.floor(y) * width + Math.floor(x)] : 0;
  }

  // The chosen object, or a new one that this stroke begins.
  target() { return this.masks.current ?? this.masks.add(); }

  down(point, { away, more }) {
    this.away = away;
    if (this.tool.name === "select") return this.choose(point, more);
    if (this.tool.name === "click") return this.click(point, away);
    this.path = [point];
    this.move(point);
  }

  move(point) {
    if (!this.path) return this.tool.name === "brush" ? this.circle(point) : undefined;
    if (this.tool.name === "brush") {
      const region = stroke(this.masks.size, this.path.at(-1), point, this.radius);
      this.strokes = this.strokes ? this.strokes.map((inside, k) => inside | region[k]) : region;
      this.circle(point);
    } else this.outline(point);
    this.path.push(point);
  }

  up() {
    if (!this.path) return;
    const path = this.path;
    const acts = { brush: () => this.brushed(), lasso: () => this.lassoed(path), box: () => this.boxed(path), split: () => this.divided(path) };
    acts[this.tool.name]();
    this.cancel();
  }

  choose(point, more) {
    const id = this.under(point);
    const { chosen } = this.masks;
    if (!id) this.masks.choose(more ? chosen : []);
    else if (!more) this.masks.choose([id]);
    else this.masks.choose(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  }

  brushed() {
    this.put("brush", this.strokes);
  }

  lassoed(path) { this.put("lasso", polygon(this.masks.size, path)); }

  put(what, region) {
    let id = null;
    this.masks.change(what, () => {
      if (this.away && !this.masks.current) return false;
      const target = this.target();
      id = target?.id;
      if (!id) return false;
      if (this.away) this.masks.erase(id, region);
      else this.masks.paint(id, region, this.keep);
    });
    if (id && !this.masks.chosen.includes(id)) this.masks.choose([id]);
    if (!id) this.say("Choose the object that you want to take something away from.");
  }

  divided(path) {
    const id = this.masks.current?.id;
    if (!id) return this.say("Choose the object to split first.");
    let made = null;
    this.masks.change("split", () => { made = this.masks.split(id, polygon(this.masks.size, path)); return made !== null; });
    if (made) this.masks.choose([made.id]);
    else this.say("The outline must hold a part of the object, and not all of it.");
  }

  async boxed(path) {
    const xs = [path[0].x, path.at(-1).x].map((x) => Math.min(this.masks.size.width, Math.max(0, x)));
    const ys = [path[0].y, path.at(-1).y].map((y) => Math.min(this.masks.size.height, Math.max(0, y)));
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
    if (box[2] - box[0] < 2 || box[3] - box[1] < 2) return this.say("Draw the box from one corner to the other.");
    if (this.away) {
      const [x0, y0, x1, y1] = box;
      return this.put("box", polygon(this.masks.size, [{ x: x0, y: y0 }, { x: x1, y: y0 }, { x: x1, y: y1 }, { x: x0, y: y1 }]));
    }
    await this.cut("box", { box, on: [], beside: [] });
  }

  async click(point, away) {
    const { width, height } = this.masks.size;
    if (point.x < 0 || point.y < 0 || point.x > width || point.y > height) return;
    if (away && !this.masks.current) return this.say("Choose the object that you want to take something away from.");
    const id = this.masks.current?.id ?? null;
    if (this.marks.id !== id) this.marks = { id, on: [], beside: [] };
    (away ? this.marks.beside : this.marks.on).push([point.x, point.y]);
    this.drawing.marks = [...this.marks.on.map(([x, y]) => ({ x, y, on: true })), ...this.marks.beside.map(([x, y]) => ({ x, y, on: false }))];
    this.drawing.draw();
    await this.cut("click", { box: null, ...this.marks });
  }

  // Ask for a mask, and make it that of the chosen object, or of a new one.
  async cut(what, { box, on, beside }) {
    if (this.cutting) return this.say("One moment: the last outline is still being found.");
    this.cutting = true;
    this.say("Finding the outline …");
    const current = this.masks.current;
    try {
      const question = {
        label: current?.label ?? "object", on, beside, box,
        mask: pack(current && !box ? this.masks.region(current.id) : this.masks.index.map(() => 0)),
        others: pack(this.masks.others(current?.id ?? 0)),
      };
      const answer = await this.ask("cut", question);
      const region = unpack(answer.mask, this.masks.size);
      let id = current?.id;
      this.masks.change(what, () => {
        id ??= this.masks.add()?.id;
        // It may have been deleted while its outline was looked for.
        if (!this.masks.object(id) || !region.includes(1)) return false;
        this.masks.replace(id, region);
      });
      const marks = { ...this.marks, id };
      if (id && !current && this.masks.object(id)) this.masks.choose([id]);
      if (what === "click") this.marks = marks;
      this.say(answer.pixels ? "" : "Nothing was found there.");
    } catch (error) {
      this.say(error.message, true);
    } finally {
      this.cutting = false;
    }
  }

  circle(point) {
    this.drawing.guide = (context) => {
      const { x, y } = this.drawing.toCanvas(point);
      if (this.path) this.trail(context);
      context.lineWidth = 1.5;
      context.strokeStyle = this.away && this.path ? "#ff6b5d" : "#ffffff";
      context.beginPath();
      context.arc(x, y, this.radius * this.drawing.view.scale, 0, 2 * Math.PI);
      context.stroke();
    };
    this.drawing.draw();
  }

  trail(context) {
    context.lineWidth = 2 * this.radius * this.drawing.view.scale;
    context.lineCap = context.lineJoin = "round";
    context.strokeStyle = this.away ? "#ff6b5d66" : "#ffffff66";
    context.beginPath();
    for (const point of this.path) { const { x, y } = this.drawing.toCanvas(point); context.lineTo(x, y); }
    context.stroke();
  }

  outline(point) {
    const path = [...this.path, point];
    this.drawing.guide = (context) => {
      context.lineWidth = 2;
      context.setLineDash([6, 4]);
      context.strokeStyle = this.away ? "#ff6b5d" : "#ffffff";
      context.beginPath();
      const places = path.map((at) => this.drawing.toCanvas(at));
      if (this.tool.name === "box") {
        const [a, b] = [places[0], places.at(-1)];
        context.rect(a.x, a.y, b.x - a.x, b.y - a.y);
      } else {
        for (const { x, y } of places) context.lineTo(x, y);
        context.closePath();
      }
      context.stroke();
      context.setLineDash([]);
    };
    this.drawing.draw();
  }
}
