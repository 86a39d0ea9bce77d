package unsubscribe

var german = Texts{
	ThisSender:  "diesem Absender",
	ThisCompany: "uns",

	LeaveTitle:      "Nachrichten abbestellen",
	LeaveAsk:        "Welche Nachrichten sollen enden?",
	LeaveList:       "Nur „{list}“",
	LeaveThisList:   "Nur diese Liste",
	LeaveSender:     "Alles von {sender}",
	LeaveEverything: "Alles, was über {company} verschickt wird, von jedem Absender",
	LeaveButton:     "Diese Nachrichten abbestellen",

	DoneTitle:      "Abbestellt",
	DoneList:       "Sie bekommen keine Nachrichten mehr von „{list}“.",
	DoneThisList:   "Sie bekommen keine Nachrichten mehr von dieser Liste.",
	DoneSender:     "Sie bekommen keine Nachrichten mehr von {sender}.",
	DoneEverything: "Sie bekommen keine Nachrichten mehr, die über {company} verschickt werden, von keinem Absender.",
	OnTheWay:       "Eine Nachricht, die schon unterwegs war, kann noch ankommen.",

	UndoAsk:       "War das ein Versehen? {minutes} Minuten lang können Sie es rückgängig machen.",
	UndoButton:    "Rückgängig machen",
	UndoneTitle:   "Rückgängig gemacht",
	Undone:        "Nachrichten kommen wie zuvor.",
	UndoneHere:    "Das Abbestellen ist zurückgenommen. Damit war aber auch Ihre Einwilligung in diese Nachrichten beendet, die nur Sie neu geben können: Um sie zu bekommen, melden Sie sich beim Absender neu an.",
	UndoGoneTitle: "Das lässt sich nicht mehr rückgängig machen",
	UndoGone:      "Die Zeit dafür ist vorbei, oder Sie haben seitdem etwas anderes gewählt. Um wieder Nachrichten zu bekommen, melden Sie sich beim Absender neu an.",

	ChoicesTitle:   "Ihre Auswahl",
	ChoicesAsk:     "Kreuzen Sie an, was enden soll.",
	ChoicesStopped: "abbestellt",
	ChoicesButton:  "Angekreuztes abbestellen",
	ChoicesNone:    "Sie haben nichts angekreuzt, also wurde nichts geändert.",
	ChoicesBack:    "Um Abbestelltes wieder zu bekommen, melden Sie sich beim Absender neu an.",

	StopTitle:   "Nachrichten an eine Adresse abbestellen",
	StopAsk:     "Geben Sie die Adresse an, die keine Nachrichten mehr bekommen soll. Sie brauchen kein Konto, und es kostet nichts.",
	StopAddress: "E-Mail-Adresse",
	StopScope:   "Was soll enden?",
	StopButton:  "Nachrichten abbestellen",
	StopDone:    "Von jetzt an wird nichts mehr von dem, was Sie gewählt haben, an diese Adresse verschickt. Zum Schutz aller sagt diese Seite nicht, ob vorher etwas an sie verschickt wurde.",
	StopInvalid: "Das sieht nicht wie eine E-Mail-Adresse aus. Bitte prüfen Sie sie.",

	Received: "Angenommen.",

	UnknownTitle: "Dieser Link funktioniert nicht",
	Unknown:      "Vielleicht ging unterwegs ein Teil verloren. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
	UnknownForm:  "Oder geben Sie stattdessen Ihre Adresse an",
	FailedTitle:  "Das hat nicht geklappt",
	Failed:       "Es wurde nichts geändert. Bitte versuchen Sie es in einer Minute noch einmal.",
	ManyTitle:    "Das war zu oft",
	Many:         "Bitte versuchen Sie es später noch einmal.",
	BadTitle:     "Das wurde nicht verstanden",
	Bad:          "Es wurde nichts geändert. Bitte öffnen Sie den Link noch einmal und benutzen Sie den Knopf.",
}
