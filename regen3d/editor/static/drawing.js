// The picture with its masks on a canvas: pan, zoom, colours, and what a tool is drawing.
const COLOURS = 12;

export function colourOf(id) {
  // Neighbouring numbers get distant hues.
  const hue = (((id - 1) * 5) % COLOURS) * (360 / COLOURS) + 15 * Math.floor((id - 1) / COLOURS);
  return [hue % 360, 85, 60];
}

export function cssColour(id) { const [h, s, l] = colourOf(id); return `hsl(${h} ${s}% ${l}%)`; }

function rgb([h, s, l]) {
  const a = (s / 100) * Math.min(l / 100, 1 - l / 100);
  const part = (n) => {
    const k = (n + h / 30) % 12;
    return Math.round(255 * (l / 100 - a * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

export class Drawing {
  constructor(canvas, picture, masks) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.picture = picture;
    this.masks = masks;
    this.layer = new OffscreenCanvas(masks.size.width, masks.size.height);
    this.opacity = 0.45;
    this.guide = null;
    this.marks = [];
    this.cursor = null;
    this.colours = Array.from({ length: 256 }, (_, id) => (id ? rgb(colourOf(id)) : [0, 0, 0]));
    new ResizeObserver(() => this.resize()).observe(canvas);
    masks.addEventListener("changed", (event) => this.recolour(event.detail));
    masks.addEventListener("chosen", () => this.recolour());
    this.recolour();
  }

  resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (!this.moved) this.fit();
    this.draw();
  }

  fit() {
    const { width, height } = this.masks.size;
    const scale = 0.96 * Math.min(this.canvas.width / width, this.canvas.height / height);
    this.view = { scale, x: (this.canvas.width - width * scale) / 2, y: (this.canvas.height - height * scale) / 2 };
    this.moved = false;
    this.draw();
  }

  zoom(factor, at) {
    const scale = Math.min(40, Math.max(0.05, this.view.scale * factor));
    const ratio = scale / this.view.scale;
    this.view = { scale, x: at.x - (at.x - this.view.x) * ratio, y: at.y - (at.y - this.view.y) * ratio };
    this.moved = true;
    this.draw();
  }

  pan(dx, dy) {
    this.view = { ...this.view, x: this.view.x + dx, y: this.view.y + dy };
    this.moved = true;
    this.draw();
  }

  // A pointer's place on the canvas, in its own pixels, and in pixels of the picture.
  place(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / bounds.width;
    return { x: (event.clientX - bounds.left) * ratio, y: (event.clientY - bounds.top) * ratio };
  }

  toPicture({ x, y }) { return { x: (x - this.view.x) / this.view.scale, y: (y - this.view.y) / this.view.scale }; }
  toCanvas({ x, y }) { return { x: x * this.view.scale + this.view.x, y: y * this.view.scale + this.view.y }; }

  // Colours of the masks, in a rectangle or everywhere; outlines are opaque, chosen objects stronger.
  recolour(box) {
    const { size, index, chosen } = this.masks;
    const area = box ? { x: Math.max(0, box.x - 1), y: Math.max(0, box.y - 1) } : { x: 0, y: 0 };
    area.width = box ? Math.min(size.width - area.x, box.width + 2) : size.width;
    area.height = box ? Math.min(size.height - area.y, box.height + 2) : size.height;
    const pixels = new ImageData(area.width, area.height);
    const strong = new Set(chosen);
    for (let row = 0; row < area.height; row++) {
      for (let column = 0; column < area.width; column++) {
        const [x, y] = [area.x + column, area.y + row];
        const id = index[y * size.width + x];
        if (!id) continue;
        const edge = (x > 0 && index[y * size.width + x - 1] !== id) || (x < size.width - 1 && index[y * size.width + x + 1] !== id)
          || (y > 0 && index[(y - 1) * size.width + x] !== id) || (y < size.height - 1 && index[(y + 1) * size.width + x] !== id);
        const share = edge ? 1 : this.opacity * (strong.has(id) ? 1.35 : strong.size ? 0.55 : 1);
        const target = 4 * (row * area.width + column);
        const colour = edge && strong.has(id) ? [255, 255, 255] : this.colours[id];
        pixels.data.set([...colour, Math.min(255, Math.round(255 * share))], target);
      }
    }
    this.layer.getContext("2d").putImageData(pixels, area.x, area.y);
    this.draw();
  }

  draw() {
    if (this.waiting || !this.view) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.paint(); });
  }

  paint() {
    const { context, canvas, view } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(view.scale, 0, 0, view.scale, view.x, view.y);
    context.imageSmoothingEnabled = view.scale < 3;
    context.drawImage(this.picture, 0, 0);
    context.drawImage(this.layer, 0, 0);
    context.setTransform(1, 0, 0, 1, 0, 0);
    this.guide?.(context);
    for (const mark of this.marks) this.cross(this.toCanvas(mark), mark.on ? "#5dff9b" : "#ff6b5d");
    if (this.cursor) this.cross(this.toCanvas(this.cursor), "#ffffff");
  }

  cross({ x, y }, colour) {
    const { context } = this;
    context.lineWidth = 4;
    for (const style of ["#000c", colour]) {
      context.strokeStyle = style;
      context.beginPath();
      context.moveTo(x - 8, y); context.lineTo(x + 8, y); context.moveTo(x, y - 8); context.lineTo(x, y + 8);
      context.stroke();
      context.lineWidth = 2;
    }
  }
}
