// Everything round the picture: tools, list of objects, what is known of the chosen one.
import { KEYS, keysFor } from "./keys.js";
import { Measure } from "./measure.js";
import { element, icon } from "./page.js";

const LOOKS = [["photographed", "As photographed"], ["lit", "Lit"], ["clay", "Clay"]];
const SWITCHES = [
  ["wireframe", "Wireframe", "w"], ["boxes", "Bounds", "b"], ["grid", "Grid", "g"], ["names", "Names", "n"], ["standIns", "Placeholders", "p"],
];
const CLICK_PX = 4;

export class Panel {
  constructor(place, stage, facts) {
    this.place = place;
    this.stage = stage;
    this.facts = facts;
    this.measure = new Measure(stage, (text) => this.say(text));
    this.buttons = {};
  }

  begin() {
    this.place.querySelector(".rv-tools").append(...this.tools());
    this.place.querySelector(".rv-side").append(this.list(), this.details());
    this.stage.canvas.setAttribute("role", "application");
    this.stage.canvas.setAttribute("aria-label", `3D scene ${this.facts.scene}. ${KEYS.map(([, key, what]) => `${key}: ${what}`).join(". ")}`);
    keysFor(this);
    this.clicks();
    this.stage.addEventListener("at-photo", () => this.atPhoto(true));
    this.stage.addEventListener("left-photo", () => this.atPhoto(false));
    this.stage.addEventListener("selected", () => this.showDetails());
    this.stage.resize();
    this.atPhoto(true);
  }

  say(text) { this.place.querySelector(".rv-status").textContent = text; }

  tools() {
    const button = (name, text, title, act) => {
      this.buttons[name] = element("button", { type: "button", title }, icon(name), text);
      this.buttons[name].addEventListener("click", act);
      return this.buttons[name];
    };
    const group = (label, ...parts) => element("div", { className: "rv-group", role: "group", "aria-label": label }, ...parts);
    const slider = element("input", { type: "range", min: 0, max: 100, value: 0, id: "rv-blend" });
    slider.addEventListener("input", () => {
      if (!this.stage.atPhoto) this.stage.toPhoto();
      this.stage.set({ blend: slider.value / 100 });
    });
    this.slider = slider;
    const look = element("select", { title: "How surfaces look (L)", "aria-label": "How surfaces look" });
    look.append(...LOOKS.map(([value, text]) => element("option", { value }, text)));
    look.addEventListener("change", () => this.stage.set({ look: look.value }));
    this.look = look;
    const switches = SWITCHES.map(([name, text, key]) => {
      const made = button(name, text, `${text} (${key.toUpperCase()})`, () => this.toggle(name));
      made.setAttribute("aria-pressed", "false");
      return made;
    });
    const measure = button("measure", "Measure", "Measure between two points (M)", () => this.toggleMeasure());
    measure.setAttribute("aria-pressed", "false");
    return [
      group("View",
        button("photo", "Photo's camera", "Back to the camera of the photograph (0)", () => this.stage.toPhoto()),
        button("top", "Top", "From above (T)", () => this.stage.top())),
      group("Photograph", element("label", { htmlFor: "rv-blend" }, "Scene"), slider, element("label", { htmlFor: "rv-blend" }, "Photo")),
      group("Surfaces", look, ...switches, measure),
      group("Window",
        button("save", "", "Save this view as a PNG", () => this.save()),
        button("full", "", "Full screen", () => this.full()),
        button("help", "", "Keys (?)", () => this.help())),
    ];
  }

  toggle(name, on = !this.stage.settings[name]) {
    this.stage.set({ [name]: on });
    this.buttons[name].setAttribute("aria-pressed", String(on));
    if (name === "standIns") this.showDetails();
  }

  toggleMeasure(on = !this.measure.on) {
    this.measure.turn(on);
    this.buttons.measure.setAttribute("aria-pressed", String(on));
    this.place.classList.toggle("measuring", on);
    this.say(on ? "Click two points, or aim with the cross and press Enter. Esc ends." : "");
  }

  nextLook() {
    const next = (LOOKS.findIndex(([value]) => value === this.look.value) + 1) % LOOKS.length;
    this.look.value = LOOKS[next][0];
    this.stage.set({ look: this.look.value });
  }

  atPhoto(yes) {
    this.place.classList.toggle("at-photo", yes);
    this.buttons.photo.setAttribute("aria-pressed", String(yes));
  }

  list() {
    const rows = this.facts.objects.map((facts) => {
      const thing = this.stage.thing(facts.name);
      const choose = element("button", { type: "button", className: "rv-name", "aria-pressed": "false" },
        element("span", { className: facts.doubts.length ? "rv-dot rv-doubt" : "rv-dot" }), facts.name,
        element("small", {}, facts.doubts[0] ?? facts.kind ?? facts.label));
      choose.addEventListener("click", () => this.stage.select(this.stage.selected === facts.name ? null : facts.name));
      choose.addEventListener("dblclick", () => { this.stage.select(facts.name); this.stage.frameSelected(); });
      choose.dataset.name = facts.name;
      const eye = element("button", { type: "button", className: "rv-eye", title: `Hide ${facts.name}`, "aria-pressed": "false",
        "aria-label": `Hide ${facts.name}`, disabled: !thing }, icon("eye"));
      eye.addEventListener("click", () => {
        thing.visible = !thing.visible;
        eye.setAttribute("aria-pressed", String(!thing.visible));
        this.stage.update();
      });
      return element("li", {}, choose, eye);
    });
    const count = `${rows.length} object${rows.length === 1 ? "" : "s"}`;
    return element("section", { className: "rv-list", "aria-label": "Objects" }, element("h3", {}, count), element("ul", {}, ...rows));
  }

  details() {
    this.card = element("section", { className: "rv-card", "aria-live": "polite", "aria-label": "Chosen object" });
    this.showDetails();
    return this.card;
  }

  showDetails() {
    const name = this.stage.selected;
    for (const button of this.place.querySelectorAll(".rv-name")) {
      button.setAttribute("aria-pressed", String(button.dataset.name === name));
    }
    const facts = this.facts.objects.find((item) => item.name === name);
    this.card?.replaceChildren(...(facts ? this.about(facts) : this.overview()));
  }

  overview() {
    const files = this.facts.files.map((path) => element("a", { href: encodeURI(path), download: "" }, path));
    return [
      element("p", { className: "rv-soft" }, "Choose an object in the picture or in the list."),
      element("h3", {}, "Files"),
      element("div", { className: "rv-files" }, ...files),
    ];
  }

  about(facts) {
    const thing = this.stage.thing(facts.name);
    const rows = facts.rows.map(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]).flat();
    const marks = facts.doubts.length ? facts.doubts.map((doubt) => element("span", { className: "rv-mark rv-doubt" }, doubt))
      : [element("span", { className: "rv-mark" }, "ok")];
    const parts = [
      element("h3", {}, facts.name), element("p", {}, ...marks),
      ...(facts.reason ? [element("p", { className: "rv-soft" }, facts.reason)] : []),
      element("dl", {}, ...rows),
      ...facts.notes.map((note) => element("p", { className: "rv-soft" }, note)),
    ];
    if (!thing) return parts;
    const frame = element("button", { type: "button" }, "Frame it");
    frame.addEventListener("click", () => this.stage.frameSelected());
    const swap = element("button", { type: "button", "aria-pressed": String(thing.standIn) }, "Placeholder");
    swap.addEventListener("click", () => {
      thing.standIn = !thing.standIn;
      swap.setAttribute("aria-pressed", String(thing.standIn));
      this.stage.update();
    });
    const actions = [frame, swap];
    if (facts.file) actions.push(element("a", { href: encodeURI(facts.file), download: "", className: "rv-button" }, "Download GLB"));
    return [...parts, element("div", { className: "rv-actions" }, ...actions)];
  }

  clicks() {
    const canvas = this.stage.canvas;
    let down = null;
    canvas.addEventListener("pointerdown", (event) => { down = [event.clientX, event.clientY]; });
    canvas.addEventListener("pointerup", (event) => {
      if (!down || Math.hypot(event.clientX - down[0], event.clientY - down[1]) > CLICK_PX || event.button !== 0) return;
      const bounds = canvas.getBoundingClientRect();
      const x = (event.clientX - bounds.left) / bounds.width;
      const y = (event.clientY - bounds.top) / bounds.height;
      if (this.measure.on) this.measure.add(x, y);
      else this.stage.select(this.stage.hit(x, y)?.name ?? null);
    });
    canvas.addEventListener("dblclick", () => this.stage.frameSelected());
  }

  escape() {
    if (this.dialog?.open) this.dialog.close();
    else if (this.measure.on) { this.measure.clear(); this.toggleMeasure(false); }
    else this.stage.select(null);
  }

  step(by) {
    const names = this.facts.objects.map((item) => item.name);
    if (!names.length) return;
    const next = (names.indexOf(this.stage.selected) + by + names.length) % names.length;
    this.stage.select(names[this.stage.selected === null && by < 0 ? names.length - 1 : next]);
  }

  save() {
    const link = element("a", { href: this.stage.picture(), download: `${this.facts.scene}-view.png` });
    link.click();
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.place.requestFullscreen?.();
  }

  help() {
    if (!this.dialog) {
      const rows = KEYS.map(([, key, what]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, what)]).flat();
      const close = element("button", { type: "button" }, "Close");
      close.addEventListener("click", () => this.dialog.close());
      this.dialog = element("dialog", { className: "rv-help", "aria-label": "Keys" }, element("h3", {}, "Keys"), element("dl", {}, ...rows), close);
      this.place.append(this.dialog);
    }
    this.dialog.showModal();
  }
}
