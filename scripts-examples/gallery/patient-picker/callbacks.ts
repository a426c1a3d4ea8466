// A practitioner picks from the patients in their care; a patient has only their own record.
import type { OnSmartLoginPreContextSelection } from 'sallyport';
import { search } from 'sallyport/fhir';
import { choiceOf } from './lib/choice.ts';
import { referenceIn } from './lib/reference.ts';

export const onSmartLoginPreContextSelection: OnSmartLoginPreContextSelection = async (
  theUserSession,
  theContextSelectionChoices,
) => {
  const person = referenceIn(theUserSession.fhirUserUrl);
  if (person?.type === 'Patient') {
    theUserSession.addLaunchResourceId('patient', person.id);
    return;
  }
  // Somebody who treats nobody has no patients to pick from.
  if (person?.type !== 'Practitioner') deny('the user is neither a patient nor a practitioner');

  // A search that fails throws, and the flow ends: nobody picks from half a list.
  const patients = await search('Patient', {
    'general-practitioner': `Practitioner/${person.id}`,
    active: true,
    _sort: 'family',
    _count: Environment.getEnv('MOST_PATIENTS') ?? 50,
  });
  if (patients.length === 0) deny('no patients are in the care of this practitioner');

  const recordNumbers = Environment.getEnv('RECORD_NUMBERS');
  for (const patient of patients) theContextSelectionChoices.addChoice(choiceOf(patient, recordNumbers));
  // How many, never who: logs are read by people who treat nobody.
  Log.info(`offered ${patients.length} patients`);
};
