"""Words that Stanford's PTB tokenizer 3.4.1 knows, found by asking it.

Asked were all words of up to four letters and 300,000 of the word lists of Debian, each
before and after a full stop, a hyphen and an apostrophe.
"""

# They keep their full stop, however they are written.
ABBREVIATIONS = """
adj adm adv al ala alex apr ariz assn assoc asst atty aug ave bancorp bhd bldg blvd
brig bros calif capt cf cie cmdr co col colo comdr conn corp cos cpl ct dak dec dept
det dr drs elec ens esq est etc ext feb fla fri ft ga gen gov govs hon inc ind insp
intl invt jan jos jr jul jun kan kans ky lieut lt ltd maj mar md messrs mich minn mlle
mme mo mon mont mr mrs ms msgr mt natl neb nev nov oct okla penn pfc ph plc pres prof
profs pvt rd rep reps rev rt sen sens sep sept seq sfc sgt spc sq sr st ste supt sys
tel tenn thu thurs treas tue tues univ va vs vt wed wis wisc wm wyo
""".split()

# They keep it unless written in small letters.
CAPITALISED_ABBREVIATIONS = "ark az del ill la mass miss ore pa tex wash".split()

# They keep it unless written in capitals.
SMALL_ABBREVIATIONS = "mfg mtg ppte ppty pte ptes pty ptys".split()

# They keep it before a number.
NUMBER_ABBREVIATIONS = "art ca fig figs no nos op pp prop".split()

# Those of ABBREVIATIONS that keep it rather than join the letter that follows it.
CLOSING_ABBREVIATIONS = """
al ala apr ariz assn aug bancorp bhd bldg blvd bros calif co colo conn corp cos ct dak
dec esq est etc ext feb fla fri ga inc ind intl jan jr jul jun kan kans ky ltd mar md
mich minn mo mon mont neb nev nov oct okla penn plc rd rt sep sept seq sq sr sys tel
tenn thu thurs tue tues univ va vt wed wis wisc wyo
""".split()

# Before one of them, a single letter ends the sentence, and so loses its full stop.
SENTENCE_STARTS = """
A About According Additionally After An As At But Earlier He Her Here However If In It
Last Many More Now Once One Other Our She Since So Some Such That The Their Then There
These They This We What When While Yet You
""".split()

# Words of two.
COMPOUNDS = {
    "can": "not",
    "gim": "me",
    "gon": "na",
    "got": "ta",
    "lem": "me",
    "wan": "na",
}

FILE_ENDINGS = """
bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3
pdf php pl png ppt ps py sql tar txt wav x xml zip
""".split()
