// The layer trie as nested bars: a branch is as wide as what is stored on it, its colour says how many
// images share it. A click or Enter makes a branch as wide as the page.

const kRowHeight = 26;
const kMaxRows = 14;
const kLeastWidth = 4;   // pixels; narrower siblings are drawn as one bar
const kLeastParent = 12;  // what is on bars narrower than this shows when they are zoomed into

// Nodes with their children, below one that stands for the whole fleet.
function growTree(report) {
  const root = {title: 'all images', value: report.tree.trie_bytes, own: 0, layers: 0,
                images: report.fleet.images, children: [], parent: null};
  const nodes = [];
  for (const node of report.tree.nodes) {
    const parent = node.parent === undefined ? root : nodes[node.parent];
    const grown = {title: titleOf(node), value: node.branch_bytes, own: node.bytes, layers: node.layers,
                   images: node.images, detail: node, children: [], parent, is_others: node.others !== undefined};
    parent.children.push(grown);
    nodes.push(grown);
  }
  return root;
}

function titleOf(node) {
  if (node.others !== undefined) return `${countText(node.others)} others`;
  return node.name || node.created_by || node.digest.slice(0, 19);
}

// `narrow` siblings as one bar that can be zoomed into.
function bundle(narrow, parent) {
  return {title: `${countText(narrow.length)} others`, value: sum(narrow, (node) => node.value), own: 0,
          layers: sum(narrow, (node) => node.layers), images: sum(narrow, (node) => node.images),
          children: narrow, parent, is_others: true, is_bundle: true};
}

// Bars of `node` and what is below it, with their places.
function layOut(node, x, width, row, bars, parent_bar) {
  const placed = {node, x, width, row, parent_bar, child_bars: []};
  bars.push(placed);
  if (parent_bar) parent_bar.child_bars.push(placed);
  if (row + 1 >= kMaxRows || node.value <= 0 || width < kLeastParent || (node.is_bundle && row > 0)) return;
  const scale = width / node.value;
  const wide = node.children.filter((child) => child.value * scale >= kLeastWidth);
  const narrow = node.children.filter((child) => child.value * scale < kLeastWidth);
  // One that is narrow stays itself, if it can be seen at all.
  const drawn = narrow.length > 1 ? [...wide, bundle(narrow, node)] : node.children;
  let at = x;
  for (const child of drawn) {
    if (child.value * scale >= 1) layOut(child, at, child.value * scale, row + 1, bars, placed);
    at += child.value * scale;
  }
}

class Icicle {
  constructor(report, section) {
    this.root = growTree(report);
    this.focus = this.root;
    this.num_images = report.fleet.images;
    this.colour = d3.scaleSequential(d3.interpolateViridis).domain([Math.log(Math.max(2, this.num_images)), 0]);
    this.crumbs = el('ol', {class: 'crumbs', 'aria-label': 'Where the view is'});
    this.about = el('p', {class: 'about', id: 'tree-about'});
    this.holder = el('div', {class: 'icicle'});
    this.svg = d3.select(this.holder).append('svg').attr('role', 'tree')
                   .attr('aria-label', 'Layers of all images, width is bytes')
                   .attr('aria-describedby', 'tree-about').on('keydown', () => this.key(d3.event));
    section.append(this.crumbs, this.holder, this.about, this.legend());
    this.is_still = matchMedia('(prefers-reduced-motion: reduce)');
    this.draw();
    new ResizeObserver(() => { if (this.holder.clientWidth !== this.width) this.draw(); }).observe(this.holder);
  }

  draw() {
    this.width = this.holder.clientWidth || 900;
    const bars = [];
    layOut(this.focus, 0, this.width, 0, bars, null);
    this.bars = bars;
    const height = kRowHeight * (1 + Math.max(...bars.map((placed) => placed.row)));
    this.svg.attr('width', this.width).attr('height', height).attr('viewBox', `0 0 ${this.width} ${height}`);
    const groups = this.svg.selectAll('g').data(bars).join((enter) => {
      const g = enter.append('g').attr('role', 'treeitem');
      g.append('rect');
      g.append('text').attr('aria-hidden', 'true').attr('x', 4).attr('y', 17);
      g.append('title');
      return g;
    });
    groups.attr('tabindex', (placed, b) => b === 0 ? 0 : -1)
        .attr('aria-level', (placed) => placed.row + 1)
        .attr('aria-label', (placed) => this.describe(placed.node))
        .on('click', (placed) => this.zoom(placed.node === this.focus && placed.row === 0 ? this.focus.parent : placed.node))
        .on('focus', (placed) => this.tell(placed.node)).on('mouseenter', (placed) => this.tell(placed.node));
    groups.select('title').text((placed) => this.describe(placed.node));
    groups.select('rect').attr('height', kRowHeight - 1).attr('fill', (placed) => this.fill(placed.node))
        .attr('class', (placed) => placed.node.is_others ? 'others' : null);
    groups.select('text').attr('fill', (placed) => this.ink(placed.node)).text((placed) => this.fit(placed));
    // The first drawing shows what there is; later ones show what became of it.
    const is_still = this.is_still.matches || !this.is_drawn;
    this.is_drawn = true;
    const moved = is_still ? groups : groups.transition().duration(250);
    moved.attr('transform', (placed) => `translate(${placed.x},${placed.row * kRowHeight})`);
    (is_still ? groups.select('rect') : moved.select('rect'))
        .attr('width', (placed) => Math.max(0.5, placed.width - 1));
    this.showCrumbs();
    this.tell(this.focus);
  }

  fill(node) { return this.colour(Math.log(Math.max(1, node.images))); }
  ink(node) { return d3.lab(this.fill(node)).l > 60 ? '#000' : '#fff'; }

  fit(placed) {
    const room = Math.floor((placed.width - 10) / 7);
    if (room < 4) return '';
    const {title, value} = placed.node;
    const whole = `${title}  ${bytesText(value)}`;
    if (whole.length <= room) return whole;
    return title.length <= room ? title : `${title.slice(0, room - 1)}…`;
  }

  describe(node) {
    const images = plural(node.images, 'image');
    if (node.is_others) {
      const more = node.is_bundle ? '' : '; too small for this page, gneiss tree lists them';
      return `${node.title}: ${bytesText(node.value)} in ${plural(node.layers, 'layer')}, ${images}${more}`;
    }
    if (node === this.root) return `all images: ${bytesText(node.value)}, ${images}`;
    return `${node.title}: ${bytesText(node.own)} in ${plural(node.layers, 'layer')} shared by ${images}; ${
        bytesText(node.value)} with all above it`;
  }

  tell(node) {
    const digest = node.detail && node.detail.digest ? ` · ${node.detail.digest}` : '';
    const step = node.detail && node.detail.name && node.detail.created_by ? ` · ${node.detail.created_by}` : '';
    this.about.textContent = this.describe(node) + step + digest;
  }

  zoom(node) {
    if (!node) return;
    // A bar without anything above it has nothing to show larger.
    this.focus = node.children.length === 0 && node.parent ? (node.parent === this.focus ? this.focus : node) : node;
    this.draw();
    this.svg.select('g').node().focus({preventScroll: true});
  }

  key(event) {
    const at = this.bars.find((placed, b) => this.svg.selectAll('g').nodes()[b] === document.activeElement);
    if (!at) return;
    const siblings = at.parent_bar ? at.parent_bar.child_bars : [at];
    const place = siblings.indexOf(at);
    const to = {ArrowRight: siblings[place + 1], ArrowLeft: siblings[place - 1], ArrowUp: at.parent_bar,
                ArrowDown: at.child_bars[0], Home: this.bars[0]}[event.key];
    if (to) this.svg.selectAll('g').nodes()[this.bars.indexOf(to)].focus();
    else if (event.key === 'Enter' || event.key === ' ') this.zoom(at.row === 0 ? this.focus.parent : at.node);
    else if (event.key === 'Escape' || event.key === 'Backspace') this.zoom(this.focus.parent);
    else if (!event.key.startsWith('Arrow')) return;
    event.preventDefault();
  }

  showCrumbs() {
    const path = [];
    for (let node = this.focus; node; node = node.parent) path.unshift(node);
    this.crumbs.replaceChildren(...path.map((node) => el('li', {}, node === this.focus
        ? el('span', {'aria-current': 'true'}, node.title)
        : el('button', {type: 'button', click: () => this.zoom(node)}, node.title))));
  }

  legend() {
    const steps = [1];
    while (steps[steps.length - 1] * 10 < this.num_images) steps.push(steps[steps.length - 1] * 10);
    if (this.num_images > 1) steps.push(this.num_images);
    return el('p', {class: 'legend'}, 'Shared by ', steps.map((images) => {
      const swatch = el('span', {class: 'swatch'}, countText(images));
      swatch.style.background = this.fill({images});
      swatch.style.color = this.ink({images});
      return swatch;
    }), ' images');
  }
}

function buildTree(report, section) {
  const {trie_bytes, stored_bytes} = report.tree;
  section.append(
      el('h2', {id: 'tree-title'}, 'Layers of all images'),
      el('p', {class: 'note'}, 'From first layers down to those on top of them; width is bytes, colour how many images share. ',
         'Click or Enter zooms, arrow keys move, Escape goes back.',
         trie_bytes > stored_bytes ? ` A blob counts wherever it stands: ${bytesText(trie_bytes)} here, ${
             bytesText(stored_bytes)} stored.` : ''));
  new Icicle(report, section);
}
