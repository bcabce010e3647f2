// The scene file, from the page itself or from beside it, as a tree of three.js objects.
import { MeshoptDecoder } from "three/addons/libs/meshopt_decoder.module.js";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

export async function loadScene(facts) {
  const content = await bytesOf(facts.glb);
  const { scene } = await new GLTFLoader().setMeshoptDecoder(MeshoptDecoder).parseAsync(content, "");
  return scene;
}

async function bytesOf(where) {
  if (where.startsWith("#")) {
    const text = atob(document.querySelector(where).textContent.trim());
    return Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer;
  }
  const answer = await fetch(where);
  if (!answer.ok) throw new Error(`${where} answered ${answer.status}`);
  return answer.arrayBuffer();
}
