/* Shows the parts of the record. Text goes in as text, never as markup. */
const element = (id) => document.getElementById(id);

export function make(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function ageAt(birthDate, today = new Date()) {
  const born = new Date(`${birthDate}T00:00:00Z`);
  const before = today.getUTCMonth() * 31 + today.getUTCDate() < born.getUTCMonth() * 31 + born.getUTCDate();
  return today.getUTCFullYear() - born.getUTCFullYear() - (before ? 1 : 0);
}

export function showPatient(patient) {
  const name = patient.name?.[0];
  element('patient-name').textContent = name
    ? `${(name.given ?? []).join(' ')} ${name.family ?? ''}`.trim()
    : patient.id;
  const facts = [
    ['Born', patient.birthDate ? `${patient.birthDate} (${ageAt(patient.birthDate)} years)` : undefined],
    ['Gender', patient.gender],
    ['Record number', patient.identifier?.[0]?.value],
  ];
  element('patient-facts').replaceChildren(
    ...facts
      .filter(([, value]) => value)
      .map(([label, value]) => {
        const item = make('li');
        item.append(make('span', `${label} `), value);
        return item;
      }),
  );
  element('banner').hidden = false;
}

const labelOf = (code) => code?.text ?? code?.coding?.[0]?.display ?? code?.coding?.[0]?.code ?? 'Unnamed';

export function showConditions(conditions) {
  const items = conditions.map((condition) => {
    const item = make('li');
    const status = condition.clinicalStatus?.text ?? '';
    const since = condition.onsetDateTime ? ` since ${condition.onsetDateTime.slice(0, 4)}` : '';
    item.append(make('span', labelOf(condition.code)), make('span', `${status}${since}`, 'quiet'));
    return item;
  });
  element('conditions').replaceChildren(...(items.length > 0 ? items : [make('li', 'None on record.')]));
}

function valueOf(observation) {
  const parts = observation.component?.map((part) => part.valueQuantity?.value) ?? [observation.valueQuantity?.value];
  return parts.filter((part) => part !== undefined).join(' / ');
}

const unitOf = (observation) =>
  observation.valueQuantity?.unit ?? observation.component?.[0]?.valueQuantity?.unit ?? '';

/** One row a measure, one column a date, newest date first. */
export function showObservations(observations) {
  const dates = [...new Set(observations.map((one) => one.effectiveDateTime.slice(0, 10)))].sort().reverse();
  const measures = Map.groupBy(observations, (one) => labelOf(one.code));
  const heading = (text, className) => {
    const cell = make('th', text, className);
    cell.scope = 'col';
    return cell;
  };
  element('observation-head').replaceChildren(heading('Measure'), ...dates.map((date) => heading(date, 'number')));
  const rows = [...measures].map(([label, found]) => {
    const row = make('tr');
    const name = make('th', label);
    name.scope = 'row';
    name.append(make('span', unitOf(found[0]), 'unit'));
    const values = dates.map((date) => {
      const match = found.find((one) => one.effectiveDateTime.startsWith(date));
      return make('td', match ? valueOf(match) : '–', 'number');
    });
    row.append(name, ...values);
    return row;
  });
  if (rows.length === 0) {
    const row = make('tr');
    const cell = make('td', 'None on record.');
    row.append(cell);
    rows.push(row);
  }
  element('observations').replaceChildren(...rows);
}
