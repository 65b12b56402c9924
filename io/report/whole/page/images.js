// One image in full: its layers, who shares them, and what a plan makes of it.

const kSharersNamed = 8;

// Names of other images that hold a layer, and how many more there are.
function sharersText(report, place, layer) {
  const names = [];
  for (let i = 0; i < report.images.length && names.length < kSharersNamed; ++i) {
    if (i !== place && report.images[i].layers.includes(layer)) names.push(report.images[i].name);
  }
  const rest = report.layers[layer].images - 1 - names.length;
  return names.join(', ') + (rest > 0 ? `${names.length > 0 ? ' and ' : ''}${plural(rest, 'other')}` : '');
}

function layerTable(report, place) {
  const image = report.images[place];
  const widest = Math.max(1, ...image.layers.map((layer) => report.layers[layer].size));
  const rows = image.layers.map((layer, at) => ({at: at + 1, layer, ...report.layers[layer]}));
  const columns = [
    {title: 'layer', value: (row) => row.at, cell: (row) => countFigure(row.at)},
    {title: 'step', text: true, value: (row) => row.created_by || row.digest,
     cell: (row) => el('span', {title: row.digest}, row.created_by || row.digest.slice(0, 19))},
    {title: 'bytes', text: true, value: (row) => row.size,
     cell: (row) => bar(row.size, widest, row.images > 1 ? 'proportional' : 'exclusive')},
    bytesColumn('size', 'size'),
    report.waste ? bytesColumn('not needed', 'needless_bytes') : null,
    {title: 'images', value: (row) => row.images, cell: (row) => countFigure(row.images)},
    {title: 'shared with', text: true, value: (row) => row.images,
     cell: (row) => row.images > 1 ? el('span', {class: 'sharers'}, sharersText(report, place, row.layer)) : 'nobody'},
  ].filter(Boolean);
  return makeTable({caption: `Layers of ${image.name}`, noun: 'layer', rows, columns, total: {title: 'TOTAL'}, page_size: 130});
}

// The planned layers of a level: {size, text} each, base first.
function plannedLayers(report, image, level) {
  if (level === 'squash') {
    let at = 1;
    return image.planned.squash.map(([length, size]) => {
      const from = at;
      at += length;
      return {size, joined: length > 1, text: length > 1 ? `layers ${from}–${at - 1} joined` : `layer ${from} as it is`};
    });
  }
  return image.planned[level].map((layer) => {
    const made = report.new_layers[level][layer];
    return {size: made.size, joined: made.images > 1, text: `L${layer + 1}, for ${plural(made.images, 'image')}`};
  });
}

// Layers of an image as pieces of one bar.
function strip(title, layers, widest) {
  const total = sum(layers, (layer) => layer.size);
  const line = el('span', {class: 'strip', role: 'img', 'aria-label': `${title}: ${plural(layers.length, 'layer')}: ${
      layers.slice(0, 40).map((layer) => `${layer.text}, ${bytesText(layer.size)}`).join('; ')}`});
  for (const layer of layers) {
    const piece = el('span', {class: layer.joined ? 'piece joined' : 'piece', title: `${layer.text}: ${bytesText(layer.size)}`});
    piece.style.width = `${100 * layer.size / widest}%`;
    line.append(piece);
  }
  return el('div', {class: 'strip-row'}, el('span', {class: 'strip-title'}, title), line,
            el('span', {class: 'strip-figures'}, plural(layers.length, 'layer'), ', ', bytesFigure(total)));
}

function plannedStrips(report, image) {
  const today = image.layers.map((layer, at) => ({size: report.layers[layer].size, joined: report.layers[layer].images > 1,
    text: `layer ${at + 1}, in ${plural(report.layers[layer].images, 'image')}`}));
  const levels = ['squash', 'bases', 'carve'].filter((level) => image.planned[level]);
  const strips = [['today', today], ...levels.map((level) => [level, plannedLayers(report, image, level)])];
  const widest = Math.max(1, ...strips.map(([, layers]) => sum(layers, (layer) => layer.size)));
  return el('div', {class: 'strips'}, strips.map(([title, layers]) => strip(title, layers, widest)));
}

function showImage(report, place, jump) {
  const image = report.images[place];
  const panel = document.getElementById('image-detail');
  panel.replaceChildren(
      el('h3', {tabindex: '-1'}, image.name), el('p', {class: 'note'}, image.platform || 'platform not known', ' · ',
        plural(image.pulls, 'pull'), ' · ', bytesFigure(image.logical_bytes), ' logical, ', bytesFigure(image.proportional_bytes),
        ' proportional, ', bytesFigure(image.exclusive_bytes), ' exclusive',
        image.refs ? ` · also ${image.refs.filter((ref) => ref !== image.name).slice(0, 10).join(', ')}` : ''),
      el('h4', {}, 'Its layers, today and planned'), plannedStrips(report, image),
      el('p', {class: 'note'}, 'Dark pieces: shared with other images; of squash, joined layers.'),
      layerTable(report, place));
  if (jump) {
    panel.scrollIntoView();
    panel.querySelector('h3').focus({preventScroll: true});
  }
}

function buildImages(report, section) {
  const place_of = new Map(report.images.map((image, place) => [image, place]));
  const left_out = report.images_left_out;
  const bytes = (title, key) => bytesColumn(title, key);
  const others = left_out.images > 0 ? [{title: `[${plural(left_out.images, 'other')}]`, values: [undefined, undefined, undefined,
    left_out.logical_bytes, left_out.proportional_bytes, left_out.exclusive_bytes]}] : [];
  section.append(
      el('h2', {id: 'images-title'}, 'Images'),
      el('p', {class: 'note'}, 'Choose one to see its layers, who shares them, and its planned layers.'),
      makeTable({
        caption: 'Images', noun: 'image', rows: report.images, total: {title: 'TOTAL', others},
        search: (image) => `${image.name} ${image.platform} ${image.refs ? image.refs.join(' ') : ''}`, columns: [
          {title: 'image', text: true, value: (image) => image.name,
           cell: (image) => el('button', {type: 'button', class: 'choose', click: () => showImage(report, place_of.get(image), true)}, image.name)},
          {title: 'platform', text: true, value: (image) => image.platform},
          {title: 'layers', value: (image) => image.layers.length, cell: (image) => countFigure(image.layers.length)},
          bytes('logical', 'logical_bytes'), bytes('proportional', 'proportional_bytes'), bytes('exclusive', 'exclusive_bytes'),
          report.waste ? {...bytes('not needed', 'needless_bytes'), add: false} : null].filter(Boolean)}),
      el('div', {id: 'image-detail', class: 'detail'}));
  if (report.images.length > 0) showImage(report, 0, false);
}
