import { connectionNames } from './connection-names.view.ts';
import { customerLink } from './customer-link.view.ts';
import { customerProvenance } from './customer-provenance.view.ts';
import { privacyDefinitions } from './privacy-definitions.view.ts';

/** What telling people about their data needs, beside what lists and timeline have. */
export const privacy = [customerProvenance, customerLink, privacyDefinitions, connectionNames];
