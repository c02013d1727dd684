export { guessDateOrder, readDate, type DateOrder, type DateReading } from './dates.ts';
export { isScientificNumber, readNumber } from './numbers.ts';
