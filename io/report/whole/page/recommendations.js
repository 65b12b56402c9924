// What to do, in full: every recommendation with why, how and at what risk; and the bases.

function imageButtons(report, r) {
  const named = r.images.slice(0, 12);
  const rest = r.num_images - named.length;
  return el('p', {class: 'image-list'}, `${plural(r.num_images, 'image')}: `, named.map((place) =>
      el('button', {type: 'button', click: () => showImage(report, place, true)}, report.images[place].name)),
            rest > 0 ? ` and ${plural(rest, 'other')}` : null);
}

function recommendationCell(report, r) {
  const details = el('details', {}, el('summary', {}, r.title));
  // Made when somebody looks.
  details.addEventListener('toggle', () => {
    if (details.childElementCount > 1) return;
    details.append(el('dl', {class: 'words'}, el('dt', {}, 'why'), el('dd', {}, r.why), el('dt', {}, 'how'), el('dd', {}, r.how),
                      el('dt', {}, 'risk'), el('dd', {}, r.risk)), imageButtons(report, r));
  });
  return details;
}

function buildRecommendations(report, section) {
  section.append(el('h2', {id: 'recommendations-title'}, 'What to do'),
                 el('p', {class: 'note'}, 'What saves most for its effort first. Minus is saved, plus is paid. S joins layers, B moves images to another version of their base, N makes a common base, C carves layers anew: levels to choose from, not to add up. ',
                    el('code', {}, 'gneiss explain ID'), ' tells one in full.'));
  const rank = new Map(report.recommendations.map((r, place) => [r, place + 1]));
  const left_out = report.recommendations_left_out;
  section.append(makeTable({
    caption: 'Recommendations', noun: 'recommendation', rows: report.recommendations,
    none: 'nothing to do: today’s layers are the best ones',
    search: (r) => `${r.id} ${r.kind} ${r.title} ${r.effort} ${r.why} ${r.how}`,
    columns: [
      {title: 'first', value: (r) => -rank.get(r), cell: (r) => countFigure(rank.get(r))},
      {title: 'id', text: true, value: (r) => r.id},
      {title: 'what', text: true, value: (r) => r.title, cell: (r) => recommendationCell(report, r)},
      {title: 'stored', value: (r) => r.saves_storage_bytes, cell: (r) => savedFigure(r.saves_storage_bytes)},
      {title: 'moved', value: (r) => r.saves_transfer_bytes, cell: (r) => savedFigure(r.saves_transfer_bytes)},
      {title: 'layers', value: (r) => r.saves_layers,
       cell: savedLayers},
      {title: 'images', value: (r) => r.num_images, cell: (r) => countFigure(r.num_images)},
      {title: 'effort', text: true, value: (r) => r.effort},
    ]}));
  if (left_out > 0) section.append(el('p', {class: 'note'}, `${plural(left_out, 'smaller one')} not listed: gneiss plan --top 0 has all.`));
}

function buildBases(report, section) {
  section.append(el('h2', {id: 'bases-title'}, 'Common bases'));
  if (report.new_bases.length > 0) {
    section.append(el('h3', {}, 'Recommended'), makeTable({
      caption: 'Recommended bases', noun: 'base', rows: report.new_bases,
      search: (b) => `${b.id} ${b.title}`, columns: [
        {title: 'id', text: true, value: (b) => b.id},
        {title: 'what', text: true, value: (b) => b.title},
        {title: 'stored', value: (b) => b.saves_storage_bytes, cell: (b) => savedFigure(b.saves_storage_bytes)},
        {title: 'moved', value: (b) => b.saves_transfer_bytes, cell: (b) => savedFigure(b.saves_transfer_bytes)},
        {title: 'size', value: (b) => b.size, cell: (b) => bytesFigure(b.size)},
        {title: 'images', value: (b) => b.images, cell: (b) => countFigure(b.images)}]}));
  }
  section.append(el('h3', {}, 'In common today'), makeTable({
    caption: 'Bases that images have in common today', noun: 'base', rows: report.bases,
    none: 'no two images have a layer in common at the start of their chains',
    search: (b) => b.name, columns: [
      {title: 'base', text: true, value: (b) => b.name,
       cell: (b) => b.is_image ? b.name : `chains part above ${b.name.slice(0, 19)}`},
      {title: 'sharing saves', value: (b) => b.saves_storage_bytes, cell: (b) => bytesFigure(b.saves_storage_bytes)},
      {title: 'size', value: (b) => b.size, cell: (b) => bytesFigure(b.size)},
      {title: 'layers', value: (b) => b.layers, cell: (b) => countFigure(b.layers)},
      {title: 'images', value: (b) => b.images, cell: (b) => countFigure(b.images)},
      {title: 'repositories', value: (b) => b.repositories, cell: (b) => countFigure(b.repositories)}]}));
}
