import { customerLink } from './customer-link.view.ts';
import { customerProvenance } from './customer-provenance.view.ts';
import { formSubmission } from './form-submission.view.ts';
import { privacyDefinitions } from './privacy-definitions.view.ts';
import { sourceNames } from './source-names.view.ts';

/** What telling people about their data needs, beside what lists and timeline have. */
export const privacy = [customerProvenance, customerLink, privacyDefinitions, sourceNames, formSubmission];
