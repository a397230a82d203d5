# What an agent reads of each signal. Every sentence goes on after "The customer ...".
#
# $count is the signal's value, a whole number. Of what fades with time (a grade, talk of leaving) it is how often that happened at the
# least. Other numbers are the policy's: $days is how many days the signal looks back; the rest is said where it is used.
# A signal that is 0 is never a reason to call; [0] keeps its sentence true for whoever asks.

times = { $count ->
    [one] once
   *[other] { $count } times
}
in-days = { $days ->
    [one] in one day
   *[other] in { $days } days
}

# Contacts that the customer began, answered or not.
contacts_7d = reached out { times } { in-days }
contacts_30d = reached out { times } { in-days }
contacts_90d = reached out { times } { in-days }
third_contact = { $count ->
    [0] reached out fewer than three times { in-days }
   *[other] reached out at least three times { in-days }
}
fourth_contact = { $count ->
    [0] reached out fewer than four times { in-days }
   *[other] reached out at least four times { in-days }
}

# Contacts with the same reason as the one before, or like it without any, at most $apart days later.
repeat_contacts = came back within { $apart ->
    [one] one day
   *[other] { $apart } days
} on what seems the same matter ({ times } { in-days })

unresolved_30d = was left without a solution { times } { in-days }
unresolved_90d = was left without a solution { times } { in-days }

# Abandoned contacts after which we spoke to the customer in no way for $hours hours. What came later is not told.
silent_after_abandon = gave up waiting and got no answer within { $hours ->
    [one] one hour
   *[other] { $hours } hours
} ({ times } { in-days })

# Whole minutes of the longest wait that ended in an answer, rounded down.
longest_wait_minutes = { $count ->
    [0] never waited as long as a minute for an answer
    [one] waited as long as one minute for an answer
   *[other] waited as long as { $count } minutes for an answer
} { in-days }

# Choices beyond the first $many in the worst contact.
excess_ivr_steps = { $count ->
    [0] made no menu choice
    [one] made one menu choice
   *[other] made { $count } menu choices
} { $many ->
    [0] in a single contact
    [one] beyond the first one in a single contact
   *[other] beyond the first { $many } in a single contact
} { in-days }

transfers_30d = was transferred { times } { in-days }

# From one contact to the next, or from a website to a contact.
channel_switches_7d = switched to another channel { times } { in-days }

low_csat = { $count ->
    [0] gave no low grade for satisfaction
    [one] gave a low grade for satisfaction
   *[other] gave a low grade for satisfaction more than once
}
# NPS 0 to 6.
detractor = { $count ->
    [0] gave no grade of 6 or lower for recommending us
    [one] gave a grade of 6 or lower for recommending us
   *[other] gave a grade of 6 or lower for recommending us more than once
}
# CES 1 to 3.
high_effort = { $count ->
    [0] did not say that getting help was difficult
    [one] said that getting help was difficult
   *[other] said more than once that getting help was difficult
}
not_answered = { $count ->
    [0] did not say that a question was left unanswered
    [one] said that a question was left unanswered
   *[other] said more than once that a question was left unanswered
}

# Low grades, questions left unanswered and contacts that are complaints: those beyond the first.
repeated_complaint = { $count ->
    [0] did not show dissatisfaction again
    [one] showed dissatisfaction once more
   *[other] showed dissatisfaction { $count } more times
} { in-days }

# In the past tense: the record that ends an episode repeats it.
callback_pending = { $count ->
    [0] is not waiting to be called back
   *[other] asked to be called back
}

cancel_intent = { $count ->
    [0] did not speak of leaving
    [one] spoke of leaving
   *[other] spoke of leaving more than once
}
cancellation_inquiry = { $count ->
    [0] did not ask about cancelling
    [one] asked about cancelling
   *[other] asked about cancelling more than once
}
cancellation_requested = { $count ->
    [0] has no cancellation under way
   *[other] has asked to cancel
}

# Callbacks in which we spoke to the customer.
recovered = { $count ->
    [0] was not satisfied by a callback
    [one] was satisfied by a callback
   *[other] was satisfied by more than one callback
}
unresolved_callback = { $count ->
    [0] was not left without a solution by a callback
    [one] was left without a solution by a callback
   *[other] was left without a solution by more than one callback
}
# Or that they go to a competitor.
will_leave_said = { $count ->
    [0] did not say in a callback that they will leave
    [one] said in a callback that they will leave
   *[other] said in more than one callback that they will leave
}

tenure_years = has been a customer for { $count ->
    [0] less than a year
    [one] one year
   *[other] { $count } years
}
