/** What the made-up records are made of: codes, units and plausible ranges. */

export interface Measure {
  readonly slug: string;
  readonly category: 'vital-signs' | 'laboratory';
  readonly code: string;
  readonly display: string;
  readonly unit: string;
  readonly ucum: string;
  readonly low: number;
  readonly high: number;
  readonly digits: number;
  readonly components?: readonly Measure[];
}

function measure(
  slug: string,
  category: Measure['category'],
  [code, display]: readonly [string, string],
  [unit, ucum]: readonly [string, string],
  [low, high, digits]: readonly [number, number, number],
  components?: readonly Measure[],
): Measure {
  return { slug, category, code, display, unit, ucum, low, high, digits, ...(components ? { components } : {}) };
}

const PRESSURE = ['mmHg', 'mm[Hg]'] as const;

export const MEASURES: readonly Measure[] = [
  measure('heart-rate', 'vital-signs', ['8867-4', 'Heart rate'], ['beats/min', '/min'], [56, 92, 0]),
  measure(
    'blood-pressure',
    'vital-signs',
    ['85354-9', 'Blood pressure'],
    PRESSURE,
    [0, 0, 0],
    [
      measure('systolic', 'vital-signs', ['8480-6', 'Systolic blood pressure'], PRESSURE, [104, 148, 0]),
      measure('diastolic', 'vital-signs', ['8462-4', 'Diastolic blood pressure'], PRESSURE, [62, 94, 0]),
    ],
  ),
  measure('respiratory-rate', 'vital-signs', ['9279-1', 'Respiratory rate'], ['breaths/min', '/min'], [12, 19, 0]),
  measure('temperature', 'vital-signs', ['8310-5', 'Body temperature'], ['°C', 'Cel'], [36.2, 37.4, 1]),
  measure('oxygen-saturation', 'vital-signs', ['2708-6', 'Oxygen saturation'], ['%', '%'], [94, 100, 0]),
  measure('weight', 'vital-signs', ['29463-7', 'Body weight'], ['kg', 'kg'], [54, 96, 1]),
  measure('glucose', 'laboratory', ['2339-0', 'Glucose'], ['mg/dL', 'mg/dL'], [74, 138, 0]),
  measure('hba1c', 'laboratory', ['4548-4', 'Hemoglobin A1c'], ['%', '%'], [4.9, 7.4, 1]),
];

export const VISIT_DATES: readonly string[] = ['2025-02-11', '2025-07-03', '2025-12-16', '2026-05-20'];

export const VISIT_REASONS: readonly string[] = ['Yearly check-up', 'Follow-up', 'Medication review', 'New symptoms'];

export const CONDITIONS = [
  { code: '38341003', display: 'Hypertension' },
  { code: '44054006', display: 'Type 2 diabetes mellitus' },
  { code: '195967001', display: 'Asthma' },
  { code: '37796009', display: 'Migraine' },
  { code: '55822004', display: 'Hyperlipidemia' },
  { code: '396275006', display: 'Osteoarthritis' },
  { code: '40930008', display: 'Hypothyroidism' },
  { code: '235595009', display: 'Gastroesophageal reflux disease' },
  { code: '61582004', display: 'Allergic rhinitis' },
] as const;

export const PRACTITIONERS = [
  { id: 'drsmith', prefix: 'Dr.', given: 'Alex', family: 'Smith' },
  { id: 'drpatel', prefix: 'Dr.', given: 'Meera', family: 'Patel' },
  { id: 'nursejones', prefix: 'RN', given: 'Robin', family: 'Jones' },
] as const;
