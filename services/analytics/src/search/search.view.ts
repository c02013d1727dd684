import type { DocumentView } from '@throughline/event-sourcing';
import { customerCare } from './customer-care.view.ts';
import { customerConsent } from './customer-consent.view.ts';
import { customerDocument } from './customer-document.view.ts';
import { customerProfile } from './customer-profile.view.ts';
import { customerTag } from './customer-tag.view.ts';
import { dealDocument } from './deal-document.view.ts';
import { interactionDocument, interactionRecord } from './interaction-document.view.ts';
import { orderDocument, orderRecord } from './order-document.view.ts';

/** What the documents are made of, beside the star. */
export const searchFolds = [
  customerProfile,
  customerConsent,
  customerCare,
  customerTag,
  orderRecord,
  interactionRecord,
];

/** What lists and search are made of; the engine holds copies. */
export const searchDocuments: readonly DocumentView[] = [
  customerDocument,
  orderDocument,
  dealDocument,
  interactionDocument,
];
