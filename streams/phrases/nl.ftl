# Wat een medewerker over elk signaal leest. Elke zin gaat verder na "De klant ...".
#
# $count is de waarde van het signaal, een geheel getal. Bij wat met de tijd vervaagt (een cijfer, praten over opzeggen) is het hoe vaak
# dat minstens is gebeurd. De andere getallen komen uit het beleid: $days is hoeveel dagen het signaal terugkijkt; de rest staat bij de zin.
# Een signaal dat 0 is, is nooit een reden om te bellen; [0] houdt de zin waar voor wie er toch naar vraagt.

in-days = in { $days ->
    [one] 1 dag
   *[other] { $days } dagen
}

# Contacten die de klant begon, beantwoord of niet.
contacts_7d = zocht { $count } keer contact { in-days }
contacts_30d = zocht { $count } keer contact { in-days }
contacts_90d = zocht { $count } keer contact { in-days }
third_contact = { $count ->
    [0] zocht minder dan drie keer contact { in-days }
   *[other] zocht minstens drie keer contact { in-days }
}
fourth_contact = { $count ->
    [0] zocht minder dan vier keer contact { in-days }
   *[other] zocht minstens vier keer contact { in-days }
}

# Contacten met dezelfde reden als het vorige, of net als dat zonder reden, hoogstens $apart dagen later.
repeat_contacts = zocht binnen { $apart ->
    [one] 1 dag
   *[other] { $apart } dagen
} opnieuw contact, zo te zien over hetzelfde onderwerp ({ $count } keer { in-days })

unresolved_30d = bleef { in-days } { $count } keer zonder oplossing
unresolved_90d = bleef { in-days } { $count } keer zonder oplossing

# Afgebroken contacten waarna wij de klant $hours uur lang op geen enkele manier spraken. Wat later kwam, staat er niet.
silent_after_abandon = haakte af tijdens het wachten en kreeg binnen { $hours } uur geen gehoor ({ $count } keer { in-days })

# Hele minuten van de langste wachttijd die op een antwoord uitliep, naar beneden afgerond.
longest_wait_minutes = wachtte { in-days } { $count ->
    [0] nooit een hele minuut op antwoord
    [one] tot wel 1 minuut op antwoord
   *[other] tot wel { $count } minuten op antwoord
}

# Keuzes na de eerste $many in het ergste contact.
excess_ivr_steps = maakte { in-days } in één contact { $many ->
    [0] { choices }
    [one] na de eerste nog { choices }
   *[other] na de eerste { $many } nog { choices }
}
choices = { $count ->
    [0] geen menukeuze
    [one] 1 menukeuze
   *[other] { $count } menukeuzes
}

transfers_30d = werd { in-days } { $count } keer doorverbonden

# Van het ene contact op het andere, of van een website op een contact.
channel_switches_7d = stapte { in-days } { $count } keer over op een ander kanaal

low_csat = { $count ->
    [0] gaf geen laag cijfer voor tevredenheid
    [one] gaf een laag cijfer voor tevredenheid
   *[other] gaf meer dan eens een laag cijfer voor tevredenheid
}
# NPS 0 tot en met 6.
detractor = { $count ->
    [0] gaf geen 6 of lager op de vraag of men ons zou aanbevelen
    [one] gaf een 6 of lager op de vraag of men ons zou aanbevelen
   *[other] gaf meer dan eens een 6 of lager op de vraag of men ons zou aanbevelen
}
# CES 1 tot en met 3.
high_effort = { $count ->
    [0] zei niet dat het moeite kostte om geholpen te worden
    [one] zei dat het moeite kostte om geholpen te worden
   *[other] zei meer dan eens dat het moeite kostte om geholpen te worden
}
not_answered = { $count ->
    [0] zei niet dat een vraag onbeantwoord bleef
    [one] zei dat een vraag onbeantwoord bleef
   *[other] zei meer dan eens dat een vraag onbeantwoord bleef
}

# Lage cijfers, onbeantwoorde vragen en contacten die een klacht zijn: die na de eerste.
repeated_complaint = { $count ->
    [0] toonde zich { in-days } niet opnieuw ontevreden
    [one] toonde zich { in-days } nog 1 keer ontevreden
   *[other] toonde zich { in-days } nog { $count } keer ontevreden
}

# In de verleden tijd: het bericht dat een episode sluit, herhaalt het.
callback_pending = { $count ->
    [0] wacht niet op een telefoontje van ons
   *[other] vroeg om teruggebeld te worden
}

cancel_intent = { $count ->
    [0] sprak niet over opzeggen
    [one] sprak over opzeggen
   *[other] sprak meer dan eens over opzeggen
}
cancellation_inquiry = { $count ->
    [0] informeerde niet naar opzeggen
    [one] informeerde naar opzeggen
   *[other] informeerde meer dan eens naar opzeggen
}
cancellation_requested = { $count ->
    [0] heeft geen opzegging lopen
   *[other] heeft een opzegging ingediend
}

# Telefoontjes van ons waarin wij de klant spraken.
recovered = { $count ->
    [0] was na geen telefoontje van ons tevreden
    [one] was na een telefoontje van ons tevreden
   *[other] was na meer dan één telefoontje van ons tevreden
}
unresolved_callback = { $count ->
    [0] bleef na geen telefoontje van ons zonder oplossing
    [one] bleef na een telefoontje van ons zonder oplossing
   *[other] bleef na meer dan één telefoontje van ons zonder oplossing
}
# Of naar een concurrent te gaan.
will_leave_said = { $count ->
    [0] zei in geen telefoontje van ons weg te gaan
    [one] zei in een telefoontje van ons weg te gaan
   *[other] zei in meer dan één telefoontje van ons weg te gaan
}

tenure_years = is { $count ->
    [0] korter dan een jaar klant
    [one] 1 jaar klant
   *[other] { $count } jaar klant
}
