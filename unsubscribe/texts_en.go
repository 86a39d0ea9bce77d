package unsubscribe

var english = Texts{
	ThisSender:  "this sender",
	ThisCompany: "us",

	LeaveTitle:      "Stop messages",
	LeaveAsk:        "Which messages should stop?",
	LeaveList:       "Only “{list}”",
	LeaveThisList:   "Only this list",
	LeaveSender:     "Everything from {sender}",
	LeaveEverything: "Everything that is sent through {company}, from any sender",
	LeaveButton:     "Stop these messages",

	DoneTitle:      "These messages stop",
	DoneList:       "You get no more messages of “{list}”.",
	DoneThisList:   "You get no more messages of this list.",
	DoneSender:     "You get no more messages from {sender}.",
	DoneEverything: "You get no more messages that are sent through {company}, from any sender.",
	OnTheWay:       "A message that was already on its way may still arrive.",

	UndoAsk:       "Was that a mistake? You can undo it for {minutes} minutes.",
	UndoButton:    "Undo",
	UndoneTitle:   "It is undone",
	Undone:        "Messages come as they did before.",
	UndoneHere:    "The stop is taken back. It had also ended your consent to these messages, which only you can give again: to get them, please sign up with the sender.",
	UndoGoneTitle: "This cannot be undone any more",
	UndoGone:      "The time for it is over, or you chose something else since. To get messages again, sign up with the sender.",

	ChoicesTitle:   "Your choices",
	ChoicesAsk:     "Tick what should stop.",
	ChoicesStopped: "stopped",
	ChoicesButton:  "Stop what is ticked",
	ChoicesNone:    "You ticked nothing, so nothing changed.",
	ChoicesBack:    "To get messages again that were stopped, sign up with the sender.",

	StopTitle:   "Stop messages to an address",
	StopAsk:     "Give the address that should get no more messages. You need no account, and it costs nothing.",
	StopAddress: "E-mail address",
	StopScope:   "What should stop?",
	StopButton:  "Stop messages",
	StopDone:    "From now on, nothing of what you chose is sent to this address. For everybody's privacy, this page does not tell whether anything was sent to it before.",
	StopInvalid: "This does not look like an e-mail address. Please check it.",

	Received: "Received.",

	UnknownTitle: "This link does not work",
	Unknown:      "Part of it may have been lost on the way. Please open it again from the message.",
	UnknownForm:  "Or give your address instead",
	FailedTitle:  "That did not work",
	Failed:       "Nothing was changed. Please try again in a minute.",
	ManyTitle:    "That was too often",
	Many:         "Please try again later.",
	BadTitle:     "That was not understood",
	Bad:          "Nothing was changed. Please open the link again and use the button.",
}
