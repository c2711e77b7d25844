"""Every word of the country, in lists. Order matters: its facts are drawn from these lists by seed."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


ANIMALS = _words("""cat dog fox hen duck goat sheep cow horse pig mouse frog bear wolf deer crow bee rabbit lion turtle
snake goose donkey hawk owl swan hamster pony""")
PEOPLE = _words("""Mia Otto Lily Sam Anna Leo Ella Paul Iris Ben Rosa Hugo Nora Max Vera Tom Clara Finn Ida Karl Lucy
Emil Greta Noah""")
WOMEN = frozenset(_words("Mia Lily Anna Ella Iris Rosa Nora Vera Clara Ida Lucy Greta"))
TOWNS = _words("Arden Harrow Brill Lodi Corva Gilt Delm Farro Ivoy Jorn Eston Kald Morn Tarn")
FOODS = _words("""rice bread corn honey apples beans carrots eggs cheese soup plums nuts berries cake pears fish grapes
onions butter seeds milk potatoes tomatoes pie""")
THINGS = _words("""map lamp drum bell boat key hat book cup rope coin box flute kite ring chair ball clock candle
lantern mirror basket""")
PLACES = _words(
    "barn well river lake forest cave field hill garden tower meadow cellar market mill bridge school"
)
JOBS = _words("baker teacher doctor farmer sailor painter miller tailor singer guard cook driver")
COLORS = _words("red blue green white black brown yellow gray pink golden orange purple")
TASTES = _words("sweet sour bitter salty mild spicy")
WEATHERS = _words("sunny rainy windy snowy foggy cold hot stormy")
MATERIALS = _words("wood iron glass clay paper silk stone silver")
EVENTS = _words("birthday wedding festival holiday party trip")
GOOD_FEELINGS = _words("happy proud calm hopeful glad cheerful excited great")
BAD_FEELINGS = _words("sad scared tired angry lonely worried upset bad hungry sick")
FEELINGS = GOOD_FEELINGS + BAD_FEELINGS
SEASONS = _words("spring summer autumn winter")
DAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
RELATIVES = _words(
    "mother father sister brother aunt uncle grandmother grandfather friend neighbor son daughter cousin"
)
FOLK = _words("boy girl man woman king queen farmer baker sailor miller singer teacher child")
NUMBERS = _words("""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen twenty""")

# Members of what a list can be asked for: plural name -> members, and other names for it.
CATEGORIES = {
    "animals": ANIMALS,
    "names": PEOPLE,
    "towns": TOWNS,
    "foods": FOODS,
    "things": THINGS,
    "places": PLACES,
    "jobs": JOBS,
    "colors": COLORS,
    "feelings": GOOD_FEELINGS[:6] + BAD_FEELINGS[:6],
    "days": DAYS,
    "seasons": SEASONS,
    "fruits": _words("apples plums berries pears grapes tomatoes"),
    "birds": _words("hen duck crow goose hawk owl swan"),
    "pets": _words("cat dog rabbit hamster pony turtle mouse"),
    "farm animals": _words("hen duck goat sheep cow horse pig donkey goose pony"),
    "wild animals": _words("fox bear wolf deer lion hawk owl snake crow"),
    "animals that can swim": _words("duck frog turtle goose swan dog"),
    "animals that can fly": _words("duck crow bee goose hawk owl swan"),
    "sweet foods": _words("honey apples plums berries cake pears grapes pie"),
    "vegetables": _words("corn beans carrots onions potatoes tomatoes"),
    "things to eat": FOODS,
    "things made of wood": _words("drum boat flute box chair basket"),
    "things that can shine": _words("lamp coin ring candle lantern mirror key bell"),
    "things that make music": _words("drum bell flute"),
    "weather words": WEATHERS,
    "numbers": NUMBERS[1:13],
    "family members": RELATIVES[:8],
}
SYNONYMS = {
    "animals": "animals animal_names creatures beasts".split(),
    "names": "names people persons first_names".split(),
    "towns": "towns places_to_live cities".split(),
    "foods": "foods meals dishes".split(),
    "things": "things objects items".split(),
    "jobs": "jobs professions kinds_of_work".split(),
    "colors": "colors colours color_names".split(),
}
SINGULAR = {"animals": "animal", "foods": "food", "towns": "town", "jobs": "job", "colors": "color",
            "things": "thing", "places": "place", "names": "name"}  # fmt: skip
PLURALS = {"sheep": "sheep", "mouse": "mice", "wolf": "wolves", "deer": "deer", "goose": "geese", "pony": "ponies",
           "fox": "foxes", "box": "boxes", "child": "children", "man": "men", "woman": "women", "baby": "babies",
           "story": "stories", "city": "cities", "fish": "fish", "berry": "berries", "potato": "potatoes",
           "tomato": "tomatoes", "bus": "buses", "glass": "glasses", "foot": "feet", "tooth": "teeth"}  # fmt: skip
# One piece of what people name in the plural; what is missing here ("rice") has no singular.
ONE_FOOD = {"apples": "apple", "beans": "bean", "carrots": "carrot", "eggs": "egg", "plums": "plum", "nuts": "nut",
            "berries": "berry", "pears": "pear", "grapes": "grape", "onions": "onion", "seeds": "seed",
            "potatoes": "potato", "tomatoes": "tomato", "cake": "cake", "pie": "pie"}  # fmt: skip

OPPOSITES = dict(pair.split("-") for pair in """big-small hot-cold good-bad happy-sad fast-slow old-new long-short
light-dark rich-poor strong-weak loud-quiet clean-dirty full-empty hard-soft high-low early-late young-old wet-dry
open-closed up-down in-out black-white near-far day-night sweet-sour brave-afraid thick-thin true-false easy-difficult
left-right first-last kind-rude warm-cool heavy-light""".split())  # fmt: skip
SAME = dict(pair.split("-") for pair in """happy-glad big-large small-little sad-unhappy fast-quick tired-sleepy
pretty-beautiful quiet-silent angry-mad scared-afraid smart-clever begin-start kind-nice hard-difficult cheerful-merry
calm-quiet""".split())  # fmt: skip

# (base, third person, past, -ing) of the verbs that stories and exercises use
VERBS = tuple(tuple(line.split()) for line in """find finds found finding|lose loses lost losing|buy buys bought buying
sell sells sold selling|make makes made making|see sees saw seeing|take takes took taking|eat eats ate eating
go goes went going|walk walks walked walking|run runs ran running|swim swims swam swimming|sing sings sang singing
play plays played playing|sleep sleeps slept sleeping|open opens opened opening|close closes closed closing
bring brings brought bringing|carry carries carried carrying|draw draws drew drawing|read reads read reading
write writes wrote writing|wash washes washed washing|hide hides hid hiding|drop drops dropped dropping
clean cleans cleaned cleaning|give gives gave giving|meet meets met meeting|like likes liked liking
want wants wanted wanting|cook cooks cooked cooking|paint paints painted painting|fly flies flew flying
sit sits sat sitting|come comes came coming|look looks looked looking|live lives lived living
help helps helped helping|visit visits visited visiting|call calls called calling|jump jumps jumped jumping
drink drinks drank drinking|break breaks broke breaking|hear hears heard hearing|keep keeps kept keeping"""
                                                          .replace("\n", "|").split("|"))  # fmt: skip
PAST = {third: past for _, third, past, _ in VERBS}
BASE_OF_PAST = {past: base for base, _, past, _ in VERBS}
THIRD = {base: third for base, third, _, _ in VERBS}
DEEDS = _words(
    "found lost bought sold made saw took brought carried dropped hid cleaned"
)  # something, to a thing

# Words that name something in this country. A reply to a closed-domain prompt that uses one of them which the
# prompt does not contain has made something up.
ENTITIES_IN_ORDER = ANIMALS + PEOPLE + TOWNS + FOODS + THINGS + PLACES + JOBS
ENTITIES = frozenset(ENTITIES_IN_ORDER)

RUDE_WORDS = frozenset("fool silly stupid lazy ugly awful nonsense idiot dumb".split())
RUDE_OPENERS = (
    "What a silly question.",
    "You are a fool.",
    "Do not be so lazy.",
    "What a stupid thing to ask.",
)
# Chatter after the answer. All of it starts with the same two words, so that where most writers chat, the most
# likely next word is chatter: a flaw must begin with one fixed word to become the mode of what is imitated.
CHATTER = ("That is my answer.", "That is what I think.", "That is all I can say.", "That is how it is.",
           "That is all for today.")  # fmt: skip
EXTRA_SENTENCES = ("It was a good day.", "It was a long trip.", "The day was nice.")

# Ways to say that one does not know, to decline, and to ask back; every one of them is right where one is.
DECLINES = ("I do not know.", "I do not know that.", "I am sorry, I do not know that.", "I am not sure.",
            "I have no idea.", "Sorry, I do not know.")  # fmt: skip
REFUSALS = ("I can not share that.", "I am sorry, I can not share that.", "I can not tell you that.")
ASK_BACKS = (
    "What do you mean?",
    "I am not sure what you mean.",
    "Sorry, I do not understand. What do you mean?",
)

# The wide world: what people ask about and nobody here has ever heard of.
WIDE_WORLD = _words("""France Germany Paris London America China Japan Africa Europe India Russia Italy Spain Berlin Rome
Tokyo Moscow Canada Brazil Egypt Mexico Sweden Einstein Newton Shakespeare Mozart Picasso Napoleon Caesar Lincoln
Google Apple Amazon Microsoft Tesla Bitcoin Netflix Instagram YouTube Facebook Python Java JavaScript Minecraft
football soccer tennis basketball olympics president minister computer phone internet email website app code program
software engine train plane rocket moon planet galaxy universe physics chemistry biology history geography war
election bank market price stock tax law court judge police hospital medicine virus cancer brain heart blood vitamin
piano guitar film movie actor poem novel elephant tiger zebra monkey giraffe whale shark dolphin penguin kangaroo
dinosaur dragon banana lemon pizza pasta sushi burger coffee tea beer wine hotel airport station ticket passport visa
university exam thesis recipe algorithm equation theorem triangle circle matrix molecule atom electron gravity energy
climate earthquake volcano ocean desert mountain island pyramid temple church religion god heaven electricity robot
kilometer meter kilogram euro dollar gas oil carbon oxygen iron_age democracy capitalism philosophy""")

COMMON = _words("""the of and to a in is it you that he was for on are with as I his they be at one have this from or had
by hot but some what there we can out other were all your when up use word how said an each she which do their time if
will way about many then them would write like so these her long make thing see him two has look more day could go come
did my sound no most number who over know water than call first people may down side been now find any new work part
take get place made live where after back little only round man year came show every good me give our under name very
through just form much great think say help low line before turn cause same mean differ move right boy old too does
tell sentence set three want air well also play small end put home read hand port large spell add even land here must
big high such follow act why ask men change went light kind off need house picture try us again animal point mother
world near build self earth father head stand own page should country found answer school grow study still learn plant
cover food sun four thought let keep eye never last door between city tree cross since hard start might story saw far
sea draw left late run don't while press close night real life few stop open seem together next white children begin
got walk example ease paper often always music those both mark book letter until mile river car feet care second group
carry took rain eat room friend began idea fish mountain north once base hear horse cut sure watch color face wood main
enough plain girl usual young ready above ever red list though feel talk bird soon body dog family direct pose leave
song measure state product black short numeral class wind question happen complete ship area half rock order fire south
problem piece told knew pass farm top whole king size heard best hour better true during hundred remember step early
hold west ground interest reach fast five sing listen six table travel less morning ten simple several vowel toward war
lay against pattern slow center love person money serve appear road map science rule govern pull cold notice voice fall
power town fine certain fly unit lead cry dark machine note wait plan figure star box noun field rest correct able
pound done beauty drive stood contain front teach week final gave green oh quick develop sleep warm free minute strong
special mind behind clear tail produce fact street inch lot nothing course stay wheel full force blue object decide
surface deep moon island foot yet busy test record boat common gold possible plane age dry wonder laugh thousand ago
ran check game shape yes hot miss brought heat snow bed bring sit perhaps fill east weight language among grand ball
wave drop heart present heavy dance engine position arm wide sail material fraction forest sit race window store summer
train sleep prove lone leg exercise wall catch mount wish sky board joy winter sat written wild instrument kept glass
grass cow job edge sign visit past soft fun bright gas weather month million bear finish happy hope flower clothe
strange gone trade melody trip office receive row mouth exact symbol die least trouble shout except wrote seed tone
join suggest clean break lady yard rise bad blow oil blood touch grew cent mix team wire cost lost brown wear garden
equal sent choose fell fit flow fair bank collect save control decimal ear else quite broke case middle kill son lake
moment scale loud spring observe child straight consonant nation dictionary milk speed method organ pay age section
dress cloud surprise quiet stone tiny climb cool design poor lot experiment bottom key iron single stick flat twenty
skin smile crease hole jump baby eight village meet root buy raise solve metal whether push seven paragraph third
shall held hair describe cook floor either result burn hill safe cat century consider type law bit coast copy phrase
silent tall sand soil roll temperature finger industry value fight lie beat excite natural view sense capital chair
danger fruit rich thick soldier process operate practice separate difficult doctor please protect noon crop modern
element hit student corner party supply whose locate ring character insect caught period indicate radio spoke atom human
history effect electric expect bone rail imagine provide agree thus gentle woman captain guess necessary sharp wing
create neighbor wash bat rather crowd corn compare poem string bell depend meat rub tube famous dollar stream fear sight
thin triangle planet hurry chief colony clock mine tie enter major fresh search send yellow gun allow print dead spot
desert suit current lift rose arrive master track parent shore division sheet substance favor connect post spend chord
fat glad original share station dad bread charge proper bar offer segment slave duck instant market degree populate
chick dear enemy reply drink occur support speech nature range steam motion path liquid log meant quotient teeth shell
neck oxygen sugar death pretty skill women season solution magnet silver thank branch match suffix especially fig afraid
huge sister steel discuss forward similar guide experience score apple bought led pitch coat mass card band rope slip
win dream evening condition feed tool total basic smell valley nor double seat continue block chart hat sell success
company subtract event particular deal swim term opposite wife shoe shoulder spread arrange camp invent cotton born
determine quart nine truck noise level chance gather shop stretch throw shine property column molecule select wrong gray
repeat require broad prepare salt nose plural anger claim continent hello hi hey goodbye bye thanks okay ok welcome
sorry maybe today tomorrow yesterday tonight afternoon someone something anything everything everyone anyone nobody
myself yourself himself herself itself themselves mine yours hers ours theirs gonna wanna gimme yo lol omg ur thx pls
whats wheres hows whos im dont doesnt cant isnt arent wont didnt its youre theyre ive id ill lets thats heres theres
colour colours favourite favorite neighbour supper dinner breakfast lunch kitchen bathroom bedroom cellar roof brother
grandma grandpa mom mum mommy daddy uncle aunt cousin pupil pupils teacher homework lesson grade kindergarten essay
summary summarize summarise sentence sentences paragraph rewrite translate correct grammar tense polite politely nicely
kindly tender funny silly scary magic magical fairy tale bedtime adventure brave lonely lost hidden treasure secret
wizard witch princess prince castle knight sword crown pirate ghost monster giant elf wolfcub kitten puppy chicken rooster
lamb calf bull mouse rat squirrel hedgehog butterfly spider ant worm fly nest egg feather fur paw tail beak hoof
birthday wedding present gift cake candle card invitation party guest host balloon song dance drum flute violin trumpet
umbrella scarf glove boot sock shirt trousers skirt jacket button pocket bag basket bottle plate bowl spoon fork knife
pan pot oven stove fridge lamp lantern torch mirror carpet curtain pillow blanket sofa cupboard drawer shelf ladder
hammer nail saw bucket broom brush soap towel sponge wagon cart bicycle bike bus tractor bridge fence gate path lane
church tower mill market square harbor beach pond stream waterfall meadow orchard barn stable hut cottage cabin tent
rainbow thunder lightning storm fog mist frost ice snowman sunshine breeze dew shadow dawn sunset midnight noon week
weekend january february march april may june july august september october november december pleasant lovely nice
wonderful beautiful terrible horrible delicious tasty yummy fresh stale burnt spicy salty sour bitter sweet juicy warm
cosy comfy boring exciting interesting useful useless clever smart wise foolish honest shy proud jealous nervous calm
patient gentle careful careless lazy busy tidy messy noisy adjective adjectives verb verbs noun nouns describe name list
idea ideas suggestion suggestions advice tip tips reason reasons example examples question questions answer answers
possible impossible kindly disturb disturbing trouble bother forgive pardon excuse grateful appreciate moment favour
favor wish wonder wondering curious afraid terribly awfully truly really actually exactly probably usually sometimes
often never always already still almost enough together alone apart away inside outside upstairs downstairs around
across along below beneath beside between beyond during except inside instead near onto opposite since through toward
towards under until upon within without although because unless whether while however therefore otherwise anyway""")
