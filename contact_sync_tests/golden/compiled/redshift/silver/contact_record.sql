with salesforce_contact as (
    select
        'salesforce__contact/' || contact.instance || '/' || contact.record_id as record_key,
        'salesforce__contact' as object_name,
        contact.instance,
        contact.record_id,
        'salesforce__account/' || contact.instance || '/' || contact.account_id as account_record_key,
        contact.contact_sync_key as external_id,
        contact.salutation,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.mobile_phone,
        contact.job_title,
        account.name as company_name,
        contact.street,
        contact.city,
        contact.state,
        contact.postal_code,
        contact.country,
        contact.has_opted_out_of_email,
        contact.do_not_call,
        contact.opted_out_of_email_since,
        contact.do_not_call_since,
        contact.version_at,
        contact.created_at
    from (select * from "contacts"."silver"."salesforce__contact" where 'salesforce__contact/' || instance || '/' || record_id in (select record_key from "contacts"."silver"."contact_source_change" where changed_in > -1)) as contact
    left join "contacts"."silver"."salesforce__account" as account
        on account.instance = contact.instance
        and account.record_id = contact.account_id
        and not account.is_deleted
    where not contact.is_deleted
),

salesforce_lead as (
    select
        'salesforce__lead/' || instance || '/' || record_id as record_key,
        'salesforce__lead' as object_name,
        instance,
        record_id,
        cast(null as varchar(65535)) as account_record_key,
        cast(null as varchar(65535)) as external_id,
        salutation,
        first_name,
        last_name,
        email,
        phone,
        mobile_phone,
        job_title,
        company_name,
        street,
        city,
        state,
        postal_code,
        country,
        has_opted_out_of_email,
        do_not_call,
        opted_out_of_email_since,
        do_not_call_since,
        version_at,
        created_at
    from (select * from "contacts"."silver"."salesforce__lead" where 'salesforce__lead/' || instance || '/' || record_id in (select record_key from "contacts"."silver"."contact_source_change" where changed_in > -1)) as lead_record
    where not is_deleted and not coalesce(is_converted, false)
),

erp_contact as (
    select
        'erp__contact/' || contact.instance || '/' || contact.record_id as record_key,
        'erp__contact' as object_name,
        contact.instance,
        contact.record_id,
        'erp__customer/' || contact.instance || '/' || contact.customer_number as account_record_key,
        cast(null as varchar(65535)) as external_id,
        cast(null as varchar(65535)) as salutation,
        contact.first_name,
        contact.last_name,
        contact.email,
        contact.phone,
        contact.mobile_phone,
        contact.job_title,
        customer.name as company_name,
        contact.street,
        contact.city,
        contact.state,
        contact.postal_code,
        contact.country,
        cast(null as boolean) as has_opted_out_of_email,
        cast(null as boolean) as do_not_call,
        cast(null as timestamp with time zone) as opted_out_of_email_since,
        cast(null as timestamp with time zone) as do_not_call_since,
        contact.version_at,
        contact.created_at
    from (select * from "contacts"."silver"."erp__contact" where 'erp__contact/' || instance || '/' || record_id in (select record_key from "contacts"."silver"."contact_source_change" where changed_in > -1)) as contact
    left join "contacts"."silver"."erp__customer" as customer
        on customer.instance = contact.instance
        and customer.record_id = contact.customer_number
        and not customer.is_deleted
    where not contact.is_deleted
),

trade_show as (
    select
        'drops__trade_show/' || instance || '/' || record_id as record_key,
        'drops__trade_show' as object_name,
        instance,
        record_id,
        cast(null as varchar(65535)) as account_record_key,
        cast(null as varchar(65535)) as external_id,
        cast(null as varchar(65535)) as salutation,
        first_name,
        last_name,
        email,
        phone,
        cast(null as varchar(65535)) as mobile_phone,
        job_title,
        company_name,
        cast(null as varchar(65535)) as street,
        city,
        cast(null as varchar(65535)) as state,
        cast(null as varchar(65535)) as postal_code,
        country,
        cast(null as boolean) as has_opted_out_of_email,
        cast(null as boolean) as do_not_call,
        cast(null as timestamp with time zone) as opted_out_of_email_since,
        cast(null as timestamp with time zone) as do_not_call_since,
        coalesce(version_at, scanned_at) as version_at,
        scanned_at as created_at
    from (select * from "contacts"."silver"."drops__trade_show" where 'drops__trade_show/' || instance || '/' || record_id in (select record_key from "contacts"."silver"."contact_source_change" where changed_in > -1)) as badge
    where not is_deleted
),

record as (
    select * from salesforce_contact
    union all
    select * from salesforce_lead
    union all
    select * from erp_contact
    union all
    select * from trade_show
),

known as (
    select record_key, first_name, last_name, email, phone, mobile_phone, company_name, street, state, postal_code, country, email_normalized, email_is_role, phone_normalized, phone_extension, mobile_phone_normalized, first_name_normalized, last_name_normalized, name_suffix, company_normalized, street_normalized, postal_code_normalized, country_code, state_code, address_key, rejected_fields
    from "contacts"."silver"."contact_record"
    where record_key in (select record_key from "contacts"."silver"."contact_source_change" where changed_in > -1)
),

-- Most edits change nothing that is normalised, and normalising costs more than looking up what came of it the last time.
compared as (
    select
        record.*,
        known.record_key is not null as is_known,
        known.email_normalized,
        known.email_is_role,
        known.phone_normalized,
        known.phone_extension,
        known.mobile_phone_normalized,
        known.first_name_normalized,
        known.last_name_normalized,
        known.name_suffix,
        known.company_normalized,
        known.street_normalized,
        known.postal_code_normalized,
        known.country_code,
        known.state_code,
        known.address_key,
        known.rejected_fields
    from record
    left join known
        on known.record_key = record.record_key
        and not coalesce(known.first_name <> record.first_name, (known.first_name is null) <> (record.first_name is null))
        and not coalesce(known.last_name <> record.last_name, (known.last_name is null) <> (record.last_name is null))
        and not coalesce(known.email <> record.email, (known.email is null) <> (record.email is null))
        and not coalesce(known.phone <> record.phone, (known.phone is null) <> (record.phone is null))
        and not coalesce(known.mobile_phone <> record.mobile_phone, (known.mobile_phone is null) <> (record.mobile_phone is null))
        and not coalesce(known.company_name <> record.company_name, (known.company_name is null) <> (record.company_name is null))
        and not coalesce(known.street <> record.street, (known.street is null) <> (record.street is null))
        and not coalesce(known.state <> record.state, (known.state is null) <> (record.state is null))
        and not coalesce(known.postal_code <> record.postal_code, (known.postal_code is null) <> (record.postal_code is null))
        and not coalesce(known.country <> record.country, (known.country is null) <> (record.country is null))
),

changed as (
    select
        record_key,
        object_name,
        instance,
        record_id,
        account_record_key,
        external_id,
        salutation,
        first_name,
        last_name,
        email,
        phone,
        mobile_phone,
        job_title,
        company_name,
        street,
        city,
        state,
        postal_code,
        country,
        has_opted_out_of_email,
        do_not_call,
        opted_out_of_email_since,
        do_not_call_since,
        version_at,
        created_at
    from compared
    where not is_known
),

email_answer as (
    select raw, hint, normalized, rule from "contacts"."pipeline"."normalized_value" where kind = 'email'
),

phone_answer as (
    select raw, hint, normalized, rule from "contacts"."pipeline"."normalized_value" where kind = 'phone'
),

name_answer as (
    select raw, hint, normalized, rule from "contacts"."pipeline"."normalized_value" where kind = 'person_name'
),

-- A last name of several words without a first name is a full name in one field.
answered as (
    select
        record.*,
        case when email_answer.raw is null then case
        when (regexp_count(record.email, '^[^@ \\t\\n\\f\\r]+@[^@ \\t\\n\\f\\r]+[.][^@ \\t\\n\\f\\r]+$') > 0)
        then lower(regexp_replace(record.email, '[+][^@]*@', '@'))
    end else email_answer.normalized end as email_form,
        email_answer.rule as email_rule,
        case when phone_answer.raw is null then case
        when length(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')) < 7 then null
        when (regexp_count(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '^[ \\t\\n\\f\\r]*([+]|00)') > 0) then '+' || regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
        when (regexp_count(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), '^1?[2-9][0-9]{9}$') > 0) then '+1' || right(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), 10)
        else regexp_replace(regexp_replace(replace(regexp_replace(lower(record.phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
    end else phone_answer.normalized end as phone_form,
        phone_answer.rule as phone_rule,
        case when mobile_phone_answer.raw is null then case
        when length(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')) < 7 then null
        when (regexp_count(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '^[ \\t\\n\\f\\r]*([+]|00)') > 0) then '+' || regexp_replace(regexp_replace(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
        when (regexp_count(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), '^1?[2-9][0-9]{9}$') > 0) then '+1' || right(regexp_replace(regexp_replace(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', ''), 10)
        else regexp_replace(regexp_replace(replace(regexp_replace(lower(record.mobile_phone), '(ext|x|#|;|durchwahl)[^\\n]*$', ''), '(0)', ''), '[^0-9]+', ''), '^00', '')
    end else mobile_phone_answer.normalized end as mobile_phone_form,
        mobile_phone_answer.rule as mobile_phone_rule,
        coalesce(split_part(name_answer.normalized, '|', 1), record.first_name) as given_name,
        coalesce(
            split_part(name_answer.normalized, '|', 2) || ' ' || split_part(name_answer.normalized, '|', 3), record.last_name
        ) as family_name
    from changed as record
    left join email_answer
        on email_answer.raw = record.email
    left join phone_answer
        on phone_answer.raw = record.phone
        and phone_answer.hint = coalesce(record.country, '')
    left join phone_answer as mobile_phone_answer
        on mobile_phone_answer.raw = record.mobile_phone
        and mobile_phone_answer.hint = coalesce(record.country, '')
    left join name_answer
        on name_answer.raw = record.last_name
        and record.first_name is null
),

folded as (
    select
        *,
        regexp_replace(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(given_name), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '^((dr|prof|professor|mr|mrs|ms|miss|mx|herr|frau|sir|dame|mme|mlle|dott|dhr|mevr|rev|ing) )+| [a-z]$', '') as first_name_folded,
        regexp_replace(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(family_name), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '( (phd|ph d|md|m d|dds|mba|cpa|esq|jd|msc|bsc))+$', '') as last_name_folded,
        coalesce(
        'pobox' || nullif(regexp_substr(nullif(regexp_substr(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(regexp_replace(street, '^[cC]/[oO][^
]*
', '')), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '^(p o box|po box|post office box|postfach|boite postale|bp|apartado|casella postale|postbus|caixa postal|skr poczt) [0-9]+'), ''), ' [0-9]+$'), ''),
        trim(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(' ' || regexp_replace(nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(regexp_replace(street, '^[cC]/[oO][^
]*
', '')), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), ''), '( (suite|ste|apartment|apt|unit|floor|fl|building|bldg|room|rm|level|top|wohnung|whg|appartement|appt|batiment|bat|piso|porta|lok|lgh) [a-z0-9]+| [0-9]+(st|nd|rd|th|e|er|eme)? (floor|og|stock|etage|piso))+$', '') || ' ', ' ', '  '), 'strasse ', 'str '), 'straat ', 'str '), 'platz ', 'pl '), ' ulica ', ' '), ' ul ', ' '), ' aleja ', ' al '), ' aleje ', ' al '), ' street ', ' st '), ' saint ', ' st '), ' sankt ', ' st '), ' avenue ', ' ave '), ' av ', ' ave '), ' avenida ', ' ave '), ' avda ', ' ave '), ' road ', ' rd '), ' boulevard ', ' blvd '), ' bd ', ' blvd '), ' drive ', ' dr '), ' lane ', ' ln '), ' court ', ' ct '), ' place ', ' pl '), ' square ', ' sq '), ' highway ', ' hwy '), ' parkway ', ' pkwy '), ' terrace ', ' ter '), ' circle ', ' cir '), ' chemin ', ' ch '), ' calle ', ' c '), ' viale ', ' vle '), ' piazza ', ' pza '), ' plaza ', ' pza '), ' rua ', ' r '), ' north ', ' n '), ' south ', ' s '), ' east ', ' e '), ' west ', ' w '), '  ', ' '))
    ) as street_normalized,
        case
        when (regexp_count(postal_code, '^[0-9]{5}-[0-9]{4}$') > 0) then left(postal_code, 5)
        else nullif(regexp_replace(upper(postal_code), '[^A-Z0-9]+', ''), '')
    end as postal_code_normalized,
        case when not coalesce(position('|' || translate(split_part(split_part(lower(email_form), '@', 1), '+', 1), '._-', '') || '|' in '|noemail|nomail|none|no|na|null|unknown|nobody|noreply|donotreply|') > 0, false) then email_form end as email_normalized,
        case when not coalesce(
        replace(right(phone_form, 8), right(phone_form, 1), '') = ''
        or right(phone_form, 10) in ('1234567890', '0123456789', '9876543210'),
        false
    ) then phone_form end as phone_normalized,
        case when not coalesce(
        replace(right(mobile_phone_form, 8), right(mobile_phone_form, 1), '') = ''
        or right(mobile_phone_form, 10) in ('1234567890', '0123456789', '9876543210'),
        false
    ) then mobile_phone_form end as mobile_phone_normalized
    from answered
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
            from (select distinct company_name as name from changed) as named
        ) as folded_name
    ) as company
    left join (
        select legal_form, nullif(regexp_substr(legal_form, '[^ ]+$'), '') as last_word
        from "contacts"."silver"."legal_form"
    ) as legal_form
        on legal_form.last_word = company.last_word
        and company.name_folded like '% ' || legal_form.legal_form
    group by company.name, company.name_folded
),

place_code as (
    select place.country, place.state, country.country_code, state.state_code
    from (select distinct country, coalesce(state, '') as state from changed) as place
    inner join "contacts"."silver"."country" as country
        on country.country = nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(place.country), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), '')
    left join "contacts"."silver"."state" as state
        on state.country_code = country.country_code
        and state.state = nullif(trim(regexp_replace(translate(replace(replace(replace(replace(replace(translate(
        lower(place.state), 'àáâãäåçèéêëìíîïñòóôõöùúûüýÿāăąćĉċčďēĕėęěĝğġģĥĩīĭįĵķĺļľńņňōŏőŕŗřśŝşšţťũūŭůűųŵŷźżžơưǎǐǒǔǖǘǚǜǟǡǣǧǩǫǭǯǰǵǹǻǽǿȁȃȅȇȉȋȍȏȑȓȕȗșțȟȧȩȫȭȯȱȳʹΐάέήίΰϊϋόύώϓϔйѐёѓїќѝўѷӂӑӓӗӛӝӟӣӥӧӫӭӯӱӳӵӹḁḃḅḇḉḋḍḏḑḓḕḗḙḛḝḟḡḣḥḧḩḫḭḯḱḳḵḷḹḻḽḿṁṃṅṇṉṋṍṏṑṓṕṗṙṛṝṟṡṣṥṧṩṫṭṯṱṳṵṷṹṻṽṿẁẃẅẇẉẋẍẏẑẓẕẖẗẘẙẛạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹἀἁἂἃἄἅἆἇἐἑἒἓἔἕἠἡἢἣἤἥἦἧἰἱἲἳἴἵἶἷὀὁὂὃὄὅὐὑὒὓὔὕὖὗὠὡὢὣὤὥὦὧὰάὲέὴήὶίὸόὺύὼώᾀᾁᾂᾃᾄᾅᾆᾇᾐᾑᾒᾓᾔᾕᾖᾗᾠᾡᾢᾣᾤᾥᾦᾧᾰᾱᾲᾳᾴᾶᾷιῂῃῄῆῇῐῑῒΐῖῗῠῡῢΰῤῥῦῧῲῳῴῶῷ', 'aaaaaaceeeeiiiinooooouuuuyyaaaccccdeeeeegggghiiiijklllnnnooorrrssssttuuuuuuwyzzzouaiouuuuuaaægkooʒjgnaæøaaeeiioorruusthaeooooyʹιαεηιυιυουωϒϒиеегікиуѵжааеәжзииоөэууучыabbbcdddddeeeeefghhhhhiikkkllllmmmnnnnoooopprrrrsssssttttuuuuuvvwwwwwxxyzzzhtwyſaaaaaaaaaaaaeeeeeeeeiioooooooooooouuuuuuuyyyyααααααααεεεεεεηηηηηηηηιιιιιιιιοοοοοουυυυυυυυωωωωωωωωααεεηηιιοουυωωααααααααηηηηηηηηωωωωωωωωαααααααιηηηηηιιιιιιυυυυρρυυωωωωω'
        ), 'ß', 'ss'), 'æ', 'ae'), 'ø', 'o'), 'ł', 'l'), '''', ''),
        '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~ ¡¢£¤¥¦§¨©«¬­®¯°±´¶·¸»¿×÷‐‑‒–—―‖‘’‚“”„†‡•…‰′″‹›€№™、。〈〉《》「」『』【】・，．：；！？（）　 ​ ﻿' || chr(9) || chr(10) || chr(13), '                                                                                                              '), ' +', ' ')), '')
),

normalized as (
    select
        folded.record_key,
        folded.object_name,
        folded.instance,
        folded.record_id,
        folded.account_record_key,
        folded.external_id,
        folded.salutation,
        folded.first_name,
        folded.last_name,
        folded.email,
        folded.phone,
        folded.mobile_phone,
        folded.job_title,
        folded.company_name,
        folded.street,
        folded.city,
        folded.state,
        folded.postal_code,
        folded.country,
        folded.has_opted_out_of_email,
        folded.do_not_call,
        folded.opted_out_of_email_since,
        folded.do_not_call_since,
        folded.version_at,
        folded.created_at,
        folded.email_normalized,
        coalesce(position('|' || translate(split_part(split_part(lower(folded.email_form), '@', 1), '+', 1), '._-', '') || '|' in '|info|contact|office|mail|hello|team|admin|administrator|sales|support|service|help|helpdesk|billing|accounts|accounting|accountspayable|invoice|invoices|finance|orders|purchasing|procurement|marketing|press|hr|jobs|careers|legal|privacy|security|webmaster|postmaster|hostmaster|reception|enquiries|inquiries|kontakt|vertrieb|buchhaltung|einkauf|') > 0, false) as email_is_role,
        folded.phone_normalized,
        nullif(regexp_substr(nullif(regexp_substr(lower(folded.phone), '(ext|x|#|durchwahl|dw)[.:= ]*[0-9]+$'), ''), '[0-9]+$'), '') as phone_extension,
        folded.mobile_phone_normalized,
        coalesce(nickname.first_name, folded.first_name_folded) as first_name_normalized,
        regexp_replace(folded.last_name_folded, ' (jr|sr|junior|senior|ii|iii|iv)$', '') as last_name_normalized,
        replace(replace(ltrim(nullif(regexp_substr(folded.last_name_folded, ' (jr|sr|junior|senior|ii|iii|iv)$'), '')), 'junior', 'jr'), 'senior', 'sr') as name_suffix,
        company.name_normalized as company_normalized,
        folded.street_normalized,
        folded.postal_code_normalized,
        place_code.country_code,
        place_code.state_code,
        folded.street_normalized || '|' || folded.postal_code_normalized || '|' || coalesce(place_code.country_code, '') as address_key,
        nullif(
            case
            when folded.email is not null and folded.email_normalized is null
            then 'email|' || coalesce(folded.email_rule, case when folded.email_form is null then 'email_syntax' else 'email_placeholder' end)
                || '|text(' || cast(length(folded.email) as varchar(65535)) || ');'
            else ''
        end
            || case
            when folded.phone is not null and folded.phone_normalized is null
            then 'phone|' || coalesce(folded.phone_rule, case when folded.phone_form is null then 'phone_too_short' else 'phone_placeholder' end)
                || '|text(' || cast(length(folded.phone) as varchar(65535)) || ');'
            else ''
        end
            || case
            when folded.mobile_phone is not null and folded.mobile_phone_normalized is null
            then 'mobile_phone|' || coalesce(folded.mobile_phone_rule, case when folded.mobile_phone_form is null then 'phone_too_short' else 'phone_placeholder' end)
                || '|text(' || cast(length(folded.mobile_phone) as varchar(65535)) || ');'
            else ''
        end,
            ''
        ) as rejected_fields
    from folded
    left join "contacts"."silver"."nickname" as nickname
        on nickname.nickname = folded.first_name_folded
    left join company
        on company.name = folded.company_name
    left join place_code
        on place_code.country = folded.country
        and place_code.state = coalesce(folded.state, '')
),

contact_record as (
    select
        record_key,
        object_name,
        instance,
        record_id,
        account_record_key,
        external_id,
        salutation,
        first_name,
        last_name,
        email,
        phone,
        mobile_phone,
        job_title,
        company_name,
        street,
        city,
        state,
        postal_code,
        country,
        has_opted_out_of_email,
        do_not_call,
        opted_out_of_email_since,
        do_not_call_since,
        version_at,
        created_at,
        email_normalized,
        email_is_role,
        phone_normalized,
        phone_extension,
        mobile_phone_normalized,
        first_name_normalized,
        last_name_normalized,
        name_suffix,
        company_normalized,
        street_normalized,
        postal_code_normalized,
        country_code,
        state_code,
        address_key,
        rejected_fields
    from normalized
    union all
    select
        record_key,
        object_name,
        instance,
        record_id,
        account_record_key,
        external_id,
        salutation,
        first_name,
        last_name,
        email,
        phone,
        mobile_phone,
        job_title,
        company_name,
        street,
        city,
        state,
        postal_code,
        country,
        has_opted_out_of_email,
        do_not_call,
        opted_out_of_email_since,
        do_not_call_since,
        version_at,
        created_at,
        email_normalized,
        email_is_role,
        phone_normalized,
        phone_extension,
        mobile_phone_normalized,
        first_name_normalized,
        last_name_normalized,
        name_suffix,
        company_normalized,
        street_normalized,
        postal_code_normalized,
        country_code,
        state_code,
        address_key,
        rejected_fields
    from compared
    where is_known
)

select *, (select cast(number as bigint) from "contacts"."pipeline"."refresh") as changed_in from contact_record
