// The keyboard: everything that the mouse can do.
export const KEYS = [
  [["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"], "Arrows", "turn about the scene; with Shift move sideways"],
  [["+", "-", "="], "+ −", "nearer, farther"],
  [["0", "Home"], "0", "the photograph's camera"],
  [["t"], "T", "from above"],
  [["[", "]"], "[ ]", "choose the object before, after"],
  [["f"], "F", "frame the chosen object"],
  [["w"], "W", "wireframe"],
  [["b"], "B", "bounds of all objects"],
  [["g"], "G", "grid on the floor, half a metre wide"],
  [["n"], "N", "names"],
  [["p"], "P", "boxes in place of the meshes"],
  [["l"], "L", "as photographed, lit, clay"],
  [["m"], "M", "measure; Enter sets a point at the cross"],
  [["x"], "X", "photograph or scene"],
  [["Escape"], "Esc", "end measuring, choose nothing"],
  [["?"], "?", "these keys"],
];

const TURN = Math.PI / 36;
const PAN = 0.04;

export function keysFor(panel) {
  const stage = panel.stage;
  const acts = {
    ArrowLeft: (shift) => (shift ? stage.pan(-PAN, 0) : stage.turn(-TURN, 0)),
    ArrowRight: (shift) => (shift ? stage.pan(PAN, 0) : stage.turn(TURN, 0)),
    ArrowUp: (shift) => (shift ? stage.pan(0, PAN) : stage.turn(0, -TURN)),
    ArrowDown: (shift) => (shift ? stage.pan(0, -PAN) : stage.turn(0, TURN)),
    "+": () => stage.zoom(0.9), "=": () => stage.zoom(0.9), "-": () => stage.zoom(1 / 0.9),
    0: () => stage.toPhoto(), Home: () => stage.toPhoto(),
    t: () => stage.top(), f: () => stage.frameSelected(),
    "[": () => panel.step(-1), "]": () => panel.step(1),
    w: () => panel.toggle("wireframe"), b: () => panel.toggle("boxes"), g: () => panel.toggle("grid"),
    n: () => panel.toggle("names"), p: () => panel.toggle("standIns"),
    l: () => panel.nextLook(), m: () => panel.toggleMeasure(),
    x: () => {
      panel.slider.value = panel.slider.value > 50 ? 0 : 100;
      panel.slider.dispatchEvent(new Event("input"));
    },
    Enter: () => panel.measure.on && panel.measure.add(0.5, 0.5),
    Escape: () => panel.escape(), "?": () => panel.help(),
  };
  panel.place.addEventListener("keydown", (event) => {
    const onCanvas = event.target === stage.canvas;
    if (event.ctrlKey || event.metaKey || event.altKey || (!onCanvas && !/^[a-z?[\]]$|^Escape$/.test(event.key))) return;
    if (event.target.matches("select, input")) return;
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act(event.shiftKey);
  });
}
