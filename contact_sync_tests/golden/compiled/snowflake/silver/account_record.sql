with salesforce_account as (
    select
        'salesforce__account/' || instance || '/' || record_id as record_key,
        'salesforce__account' as object_name,
        instance,
        record_id,
        contact_sync_key as external_id,
        name,
        account_number,
        cast(null as varchar) as vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        cast(null as decimal(18, 2)) as credit_limit,
        cast(null as varchar) as payment_terms,
        version_at,
        created_at
    from (select * from contacts.silver.salesforce__account where 'salesforce__account/' || instance || '/' || record_id in (select record_key from contacts.silver.account_source_change where changed_in > -1)) as account
    where not is_deleted
),

erp_customer as (
    select
        'erp__customer/' || instance || '/' || record_id as record_key,
        'erp__customer' as object_name,
        instance,
        record_id,
        cast(null as varchar) as external_id,
        name,
        customer_number as account_number,
        vat_number,
        phone,
        website,
        street,
        city,
        state,
        postal_code,
        country,
        credit_limit,
        payment_terms,
        version_at,
        created_at
    from (select * from contacts.silver.erp__customer where 'erp__customer/' || instance || '/' || record_id in (select record_key from contacts.silver.account_source_change where changed_in > -1)) as customer
    where not is_deleted
),

record as (
    select * from salesforce_account
    union all
    select * from erp_customer
),

phone_answer as (
    select raw, hint, normalized, rule from contacts.pipeline.normalized_value where kind = 'phone'
),

folded as (
    select
        record.*,
        case when phone_answer.raw is null then case
        when length(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')) < 7 then null
        when (regexp_count(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '^[ \\t\\n\\f\\r]*([+]|00)') > 0) then '+' || regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
        when (regexp_count(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), '^1?[2-9][0-9]{9}$') > 0) then '+1' || right(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), 10)
        else regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
    end else phone_answer.normalized end as phone_form,
        phone_answer.rule as phone_rule,
        coalesce(
        'pobox' || nullif(regexp_substr(nullif(regexp_substr(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(regexp_replace(record.street, '^[cC]/[oO][^
]*
', '')), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '^(p o box|po box|post office box|postfach|boite postale|bp|apartado|casella postale|postbus|caixa postal|skr poczt) [0-9]+'), ''), ' [0-9]+$'), ''),
        trim(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(' ' || regexp_replace(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(regexp_replace(record.street, '^[cC]/[oO][^
]*
', '')), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '( (suite|ste|apartment|apt|unit|floor|fl|building|bldg|room|rm|level|top|wohnung|whg|appartement|appt|batiment|bat|piso|porta|lok|lgh) [a-z0-9]+| [0-9]+(st|nd|rd|th|e|er|eme)? (floor|og|stock|etage|piso))+$', '') || ' ', ' ', '  '), 'strasse ', 'str '), 'straat ', 'str '), 'platz ', 'pl '), ' ulica ', ' '), ' ul ', ' '), ' aleja ', ' al '), ' aleje ', ' al '), ' street ', ' st '), ' saint ', ' st '), ' sankt ', ' st '), ' avenue ', ' ave '), ' av ', ' ave '), ' avenida ', ' ave '), ' avda ', ' ave '), ' road ', ' rd '), ' boulevard ', ' blvd '), ' bd ', ' blvd '), ' drive ', ' dr '), ' lane ', ' ln '), ' court ', ' ct '), ' place ', ' pl '), ' square ', ' sq '), ' highway ', ' hwy '), ' parkway ', ' pkwy '), ' terrace ', ' ter '), ' circle ', ' cir '), ' chemin ', ' ch '), ' calle ', ' c '), ' viale ', ' vle '), ' piazza ', ' pza '), ' plaza ', ' pza '), ' rua ', ' r '), ' north ', ' n '), ' south ', ' s '), ' east ', ' e '), ' west ', ' w '), '  ', ' '))
    ) as street_normalized,
        case
        when (regexp_count(record.postal_code, '^[0-9]{5}-[0-9]{4}$') > 0) then left(record.postal_code, 5)
        else nullif(regexp_replace(upper(record.postal_code), '[^A-Z0-9]+', ''), '')
    end as postal_code_normalized
    from record
    left join phone_answer
        on phone_answer.raw = record.phone
        and phone_answer.hint = coalesce(record.country, '')
),

usable as (
    select *, case when not coalesce(
        replace(right(phone_form, 8), right(phone_form, 1), '') = ''
        or right(phone_form, 10) in ('1234567890', '0123456789', '9876543210'),
        false
    ) then phone_form end as phone_normalized
    from folded
),

company as (
    select
        company.name,
        left(company.name_folded, length(company.name_folded) - coalesce(max(length(legal_form.legal_form) + 1), 0)) as name_normalized
    from (
        select name, name_folded, nullif(regexp_substr(name_folded, '[^ ]+$'), '') as last_word
        from (
            select name, nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(name), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), '') as name_folded
            from (select distinct name as name from record) as named
        ) as folded_name
    ) as company
    left join (
        select legal_form, nullif(regexp_substr(legal_form, '[^ ]+$'), '') as last_word
        from contacts.silver.legal_form
    ) as legal_form
        on legal_form.last_word = company.last_word
        and company.name_folded like '% ' || legal_form.legal_form
    group by company.name, company.name_folded
),

place_code as (
    select place.country, place.state, country.country_code, state.state_code
    from (select distinct country, coalesce(state, '') as state from record) as place
    inner join contacts.silver.country as country
        on country.country = nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(place.country), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), '')
    left join contacts.silver.state as state
        on state.country_code = country.country_code
        and state.state = nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(place.state), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), '')
),

normalized as (
    select
        usable.record_key,
        usable.object_name,
        usable.instance,
        usable.record_id,
        usable.external_id,
        usable.name,
        usable.account_number,
        usable.vat_number,
        usable.phone,
        usable.website,
        usable.street,
        usable.city,
        usable.state,
        usable.postal_code,
        usable.country,
        usable.credit_limit,
        usable.payment_terms,
        usable.version_at,
        usable.created_at,
        company.name_normalized,
        nullif(regexp_substr(regexp_replace(regexp_replace(lower(usable.website), '^[a-z]+://', ''), '^www[.]', ''), '^[^/:?# \\t\\n\\f\\r]+'), '') as website_domain,
        nullif(regexp_replace(upper(usable.account_number), '[^A-Z0-9]+', ''), '') as account_number_normalized,
        nullif(regexp_replace(upper(usable.vat_number), '[^A-Z0-9]+', ''), '') as vat_number_normalized,
        usable.phone_normalized,
        usable.street_normalized,
        usable.postal_code_normalized,
        place_code.country_code,
        place_code.state_code,
        usable.street_normalized || '|' || usable.postal_code_normalized || '|' || coalesce(place_code.country_code, '') as address_key,
        nullif(case
            when usable.phone is not null and usable.phone_normalized is null
            then 'phone|' || coalesce(usable.phone_rule, case when usable.phone_form is null then 'phone_too_short' else 'phone_placeholder' end)
                || '|text(' || cast(length(usable.phone) as varchar) || ');'
            else ''
        end, '') as rejected_fields
    from usable
    left join company
        on company.name = usable.name
    left join place_code
        on place_code.country = usable.country
        and place_code.state = coalesce(usable.state, '')
)

select *, (select cast(number as bigint) from contacts.pipeline.refresh) as changed_in from normalized
