// What fewer bases and fewer layers an image cost: bytes against their number.

const kCurve = {width: 480, height: 260, left: 70, right: 16, top: 14, bottom: 44};

function curve(points, key, title, floor) {
  const {width, height, left, right, top, bottom} = kCurve;
  const x = d3.scaleLinear().domain(d3.extent(points, (p) => p[key])).range([left, width - right]);
  const y = d3.scaleLinear().domain([0, d3.max(points, (p) => p.storage_bytes)]).nice().range([height - bottom, top]);
  const svg = d3.create('svg').attr('viewBox', `0 0 ${width} ${height}`).attr('role', 'img')
                  .attr('aria-label', `Stored bytes against ${title}: ${points.map((p) => `${p[key]}: ${
                      bytesText(p.storage_bytes)}`).join(', ')}`);
  svg.append('g').attr('class', 'axis').attr('transform', `translate(0,${height - bottom})`)
      .call(d3.axisBottom(x).ticks(8, 'd'));
  svg.append('g').attr('class', 'axis').attr('transform', `translate(${left},0)`)
      .call(d3.axisLeft(y).ticks(5).tickFormat(bytesText));
  svg.append('text').attr('class', 'axis-title').attr('x', (left + width) / 2).attr('y', height - 6)
      .attr('text-anchor', 'middle').text(title);
  if (floor) {
    const at = y(floor.storage_bytes);
    svg.append('line').attr('class', 'floor').attr('x1', left).attr('x2', width - right).attr('y1', at).attr('y2', at);
    svg.append('text').attr('class', 'floor-title').attr('x', width - right).attr('y', at + 14)
        .attr('text-anchor', 'end').text('floor');
  }
  svg.append('path').datum(points).attr('class', 'line')
      .attr('d', d3.line().x((p) => x(p[key])).y((p) => y(p.storage_bytes)));
  svg.selectAll('circle').data(points).join('circle').attr('r', 4).attr('cx', (p) => x(p[key]))
      .attr('cy', (p) => y(p.storage_bytes)).append('title')
      .text((p) => `${p[key]}: ${bytesText(p.storage_bytes)} stored, ${bytesText(p.transfer_bytes)} moved`);
  return svg.node();
}

function buildFrontiers(report, section) {
  const {layers, bases} = report.frontiers;
  const floor = report.levels.find((level) => level.role === 'floor');
  section.append(el('h2', {id: 'frontiers-title'}, 'Trade-offs'));
  if (layers.length === 0 && bases.length === 0) {
    section.append(el('p', {class: 'note'}, report.fleet.known_layers === 0
        ? 'Curves of bytes against layers and bases are made of contents, which are not known here.'
        : 'Not made: gneiss report --frontier draws bytes against layers an image and against bases; it takes longer.'));
    return;
  }
  const charts = el('div', {class: 'curves'});
  const add = (points, key, heading, title) => {
    if (points.length === 0) return;
    charts.append(el('figure', {}, el('figcaption', {}, heading), curve(points, key, title, floor),
        el('details', {}, el('summary', {}, 'Figures'), makeTable({
          caption: heading, noun: 'point', rows: points, columns: [
            {title, value: (p) => p[key], cell: (p) => countFigure(p[key])},
            {title: 'stored', value: (p) => p.storage_bytes, cell: (p) => bytesFigure(p.storage_bytes)},
            {title: 'moved', value: (p) => p.transfer_bytes, cell: (p) => bytesFigure(p.transfer_bytes)},
            {title: 'cost', value: (p) => p.cost, cell: (p) => bytesFigure(p.cost)}]}))));
  };
  add(layers, 'at_most', 'Carved: stored bytes, by the most layers an image may have', 'most layers an image');
  add(bases, 'bases', 'New common bases: stored bytes, the fewer the less to keep', 'number of bases');
  section.append(charts);
}
