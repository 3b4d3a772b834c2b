{# Lower-case letters with marks, and the letters they are without: for engines that cannot decompose Unicode (Snowflake, Redshift).
   Latin, Greek and Cyrillic, in the order of their code points. #}
{% macro accented_letters() -%}
    {{ return([
        'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫ',
        'ǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳ',
        'ḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳ',
        'ỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲ',
        'ᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ',
    ] | join) }}
{%- endmacro %}

{% macro plain_letters() -%}
    {{ return([
        'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægko',
        'oʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikk',
        'kllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuy',
        'yyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωααα',
        'ααααιηηηηηιιιιιιυυυυρρυυωωωωω',
    ] | join) }}
{%- endmacro %}

{# What stands between words, each a space after folding: the punctuation of ASCII, of Latin-1 and of typography, and CJK's. #}
{% macro separators() -%}
    {{ return(
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\u00a0¡¢£¤¥¦§¨©«¬\u00ad®¯°±´¶·¸»¿×÷'
        ~ '‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）\u3000\u2009\u200b\u202f\ufeff'
    ) }}
{%- endmacro %}
