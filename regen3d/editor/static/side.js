// The side panel: tool options, list of objects, the chosen one, and how far a rebuild is.
import { cssColour } from "./drawing.js";
import { TOOLS } from "./tools.js";

const PLACES = [["floor", "the floor"], ["wall", "a wall"], ["ceiling", "the ceiling"], ["free", "nothing"]];

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.includes("-") || name === "role") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

export class Side {
  constructor(masks, tools, say) {
    Object.assign(this, { masks, tools, say });
    this.buttons = TOOLS.map((tool) => this.toolButton(tool));
    document.getElementById("tools").append(...this.buttons);
    masks.addEventListener("changed", () => this.refresh());
    masks.addEventListener("chosen", () => this.refresh());
    this.pick("select");
    this.refresh();
  }

  toolButton({ name, label, icon, key }) {
    const space = "http://www.w3.org/2000/svg";
    const drawing = document.createElementNS(space, "svg");
    drawing.setAttribute("viewBox", "0 0 24 24");
    drawing.setAttribute("aria-hidden", "true");
    const line = document.createElementNS(space, "path");
    line.setAttribute("d", icon);
    drawing.append(line);
    const made = element("button", { type: "button", title: `${label} (${key.toUpperCase()})`, "aria-pressed": "false" }, drawing, label);
    made.dataset.tool = name;
    made.addEventListener("click", () => this.pick(name));
    return made;
  }

  pick(name) {
    this.tools.pick(name);
    for (const made of this.buttons) made.setAttribute("aria-pressed", String(made.dataset.tool === name));
    this.options();
  }

  options() {
    const parts = [element("p", { className: "soft" }, this.tools.tool.hint)];
    if (this.tools.tool.name === "brush") {
      const size = element("input", { type: "range", min: 1, max: 80, value: this.tools.radius, id: "radius" });
      size.addEventListener("input", () => { this.tools.radius = Number(size.value); });
      parts.push(element("label", {}, "Size", size));
    }
    if (["brush", "lasso"].includes(this.tools.tool.name)) {
      const keep = element("input", { type: "checkbox", checked: this.tools.keep });
      keep.addEventListener("change", () => { this.tools.keep = keep.checked; });
      parts.push(element("label", {}, keep, "Leave other objects alone"));
    }
    document.getElementById("options").replaceChildren(...parts);
  }

  refresh() {
    const { masks } = this;
    const focused = document.activeElement?.dataset?.id;
    const rows = masks.objects.map((item) => {
      const swatch = element("span", { className: "swatch" });
      swatch.style.background = cssColour(item.id);
      const row = element("button", { type: "button", "aria-pressed": String(masks.chosen.includes(item.id)) }, swatch, item.name,
        element("small", {}, item.support || item.found || ""));
      row.dataset.id = item.id;
      row.addEventListener("click", (event) => this.toggle(item.id, event.shiftKey || event.ctrlKey || event.metaKey));
      return element("li", {}, row);
    });
    const fresh = element("button", { type: "button" }, "+ New object");
    fresh.addEventListener("click", () => { masks.choose([]); this.pick("click"); this.say("Click the new object in the picture, or paint it."); });
    document.getElementById("list").replaceChildren(...rows, element("li", {}, fresh));
    if (focused) document.querySelector(`#list [data-id="${focused}"]`)?.focus();
    this.chosen();
    document.getElementById("undo").disabled = !masks.history.done.length;
    document.getElementById("redo").disabled = !masks.history.undone.length;
  }

  toggle(id, more) {
    const { chosen } = this.masks;
    if (!more) this.masks.choose([id]);
    else this.masks.choose(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
  }

  chosen() {
    const place = document.getElementById("chosen");
    const items = this.masks.chosen.map((id) => this.masks.object(id)).filter(Boolean);
    if (!items.length) return place.replaceChildren(element("p", { className: "soft" }, "No object is chosen: what you draw becomes a new one."));
    const parts = [element("h2", {}, items.map((item) => item.name).join(", "))];
    if (items.length === 1) parts.push(this.form(items[0]));
    parts.push(this.actions(items));
    return place.replaceChildren(...parts);
  }

  form(item) {
    const label = this.text("label", item.label, (value) => this.relabel(item.id, value));
    const name = this.text("name", item.name, (value) => this.rename(item.id, value));
    const support = element("select", { id: "support" });
    const found = item.found ? `as found: ${item.found}` : "as found";
    const others = this.masks.objects.filter((other) => other.id !== item.id).map((other) => [other.name, other.name]);
    for (const [value, text] of [["", found], ...PLACES, ...others]) {
      support.append(element("option", { value, selected: value === item.support }, text));
    }
    support.addEventListener("change", () => this.masks.change("support", () => { this.masks.object(item.id).support = support.value; }));
    const row = (id, text, field) => [element("dt", {}, element("label", { htmlFor: id }, text)), element("dd", {}, field)];
    return element("dl", {}, ...row("label", "Is a", label), ...row("name", "Name", name), ...row("support", "Stands on", support));
  }

  text(id, value, keep) {
    const field = element("input", { type: "text", id, value, spellcheck: false, autocomplete: "off" });
    field.addEventListener("change", () => keep(field.value.trim()));
    return field;
  }

  relabel(id, label) {
    if (!label) return this.refresh();
    this.masks.change("label", () => {
      const item = this.masks.object(id);
      const named = /-\d+$/.test(item.name);
      item.label = label.toLowerCase();
      if (named) this.masks.rename(id, this.masks.freeName(item.label, id));
    });
  }

  rename(id, wanted) {
    const name = wanted.toLowerCase().replace(/[\s_]+/g, "-");
    const taken = this.masks.objects.some((item) => item.id !== id && item.name === name);
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || name.length > 60 || taken) {
      this.say(taken ? `Another object is called ${name}.` : "A name has lower-case letters, digits and hyphens.", true);
      return this.refresh();
    }
    this.masks.change("rename", () => this.masks.rename(id, name));
  }

  actions(items) {
    const ids = items.map((item) => item.id);
    const act = (text, title, what, edit) => {
      const made = element("button", { type: "button", title }, text);
      made.addEventListener("click", () => this.masks.change(what, edit));
      return made;
    };
    const remove = act("Delete", "Delete (Del)", "delete", () => this.masks.remove(ids));
    if (items.length > 1) return element("div", { className: "row" }, act("Merge", "Make one object of them (M)", "merge", () => this.masks.merge(ids)), remove);
    const [id] = ids;
    return element("div", { className: "row" },
      act("Separate", "Parts that do not touch become objects of their own", "separate", () => this.masks.separate(id).length > 0),
      act("Fill holes", "What the object encloses becomes part of it", "fill", () => this.masks.fillHoles(id)),
      act("Drop specks", "Small parts away from the rest are dropped", "tidy", () => this.masks.tidy(id)), remove);
  }

  progress(status) {
    const place = document.getElementById("progress");
    place.hidden = status.state === "idle";
    if (place.hidden) return;
    const last = new Map(status.events.map(({ title, event }) => [title, event]));
    const rows = [...last].map(([title, event]) => element("li", { className: event }, element("span", {}, title),
      element("span", {}, event === "reused" ? "kept" : event)));
    const parts = [element("h2", {}, "Rebuild"), element("p", { className: status.state === "failed" ? "bad" : "soft" }, status.message)];
    if (status.state === "done") parts.push(element("p", {}, element("a", { href: "view/", target: "_blank" }, "See the scene")));
    parts.push(element("ol", {}, ...rows));
    place.replaceChildren(...parts);
  }
}
