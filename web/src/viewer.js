// Entry: finds the viewer's place in the page and its scene, and puts the two together.
import { loadScene } from "./load.js";
import { Panel } from "./panel.js";
import { Stage } from "./stage.js";

async function start() {
  const place = document.getElementById("viewer");
  const source = document.getElementById("viewer-scene");
  if (!place || !source) return;
  const facts = JSON.parse(source.textContent);
  const say = (text) => { place.querySelector(".rv-status").textContent = text; };
  try {
    const stage = new Stage(place.querySelector(".rv-stage"), facts);
    say("Reading the scene …");
    stage.show(await loadScene(facts));
    const panel = new Panel(place, stage, facts);
    panel.begin();
    place.classList.add("ready");
    document.documentElement.classList.add("viewer-ready");
    say("");
    // For scripts of the user, and for tests.
    place.viewer = { stage, panel };
  } catch (error) {
    place.classList.add("failed");
    say(`The 3D view cannot be shown here (${error.message}). Everything else on this page works without it.`);
  }
}

start();
