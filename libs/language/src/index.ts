export { foldText, isHan, isUnspaced, splitWords } from './text.ts';
export { nameKey, nameSortKey, pinyinInitials, pinyinReadings } from './names.ts';
export { normalisePhone, phoneTails, type NormalisedPhone, type PhoneKind } from './phones.ts';
export { emailParts, normaliseEmail, type EmailParts, type NormalisedEmail } from './emails.ts';
export { editDistance } from './typos.ts';
export { ANALYSIS_VERSION, TAGS } from './search-terms.ts';
export { analyse, type SearchFields, type SearchTokens } from './search-tokens.ts';
export { analyseQuery, SCORES } from './search-query.ts';
export type { Alternative, Clause, QueryPlan, SearchField, SearchTier, TermGroup } from './search-query.ts';
export { matches } from './search-match.ts';
export { highlight, type Range } from './highlight.ts';
export { cleanText, type Cleaned, type Correction, type Suggestion } from './cleaning.ts';
export { cleanPhone, extensionOf, landlineAreaCode } from './phones.ts';
export { countryCode } from './countries.ts';
export { cleanGender } from './genders.ts';
export { cleanEmail, companyFromEmail, readEmailDomain, suggestEmailDomain } from './email-domains.ts';
export type { EmailDomain, InferredCompany } from './email-domains.ts';
export {
  cleanRegistrationNumber,
  registrationNumberKey,
  type RegistrationNumber,
  type RegistrationNumberProblem,
} from './registration-numbers.ts';
export { cleanIdentityCard, type IdentityCard, type IdentityCardProblem } from './id-cards.ts';
export { divisions, regionAncestors, regionAround, regionByCode, type Division, type Region } from './regions.ts';
export { parseAddress, type ParsedAddress } from './region-addresses.ts';
export { regionFromAddress, regionFromIdentityCard, regionFromPhone, regionFromPostcode } from './region-rules.ts';
export { regionFromRegistrationNumber, type InferredRegion } from './region-rules.ts';
export { cleanSocialAccount, socialNetwork, type SocialAccount, type SocialProblem } from './social-accounts.ts';
export { cleanCompanyName, cleanPersonName, splitName, type NameParts } from './person-names.ts';
export { isWithinOneEdit, jaroWinkler, soundex } from './similarity.ts';
export { matchableEmail, type MatchableEmail } from './email-match.ts';
export { namePart, personNames, type NamePart, type PersonName } from './name-match.ts';
export { companyName, type CompanyName } from './companies.ts';
