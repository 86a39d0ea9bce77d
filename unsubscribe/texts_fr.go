package unsubscribe

//nolint:misspell // French is no misspelt English
var french = Texts{
	ThisSender:  "cet expéditeur",
	ThisCompany: "notre service",

	LeaveTitle:      "Arrêter les messages",
	LeaveAsk:        "Quels messages faut-il arrêter ?",
	LeaveList:       "Seulement « {list} »",
	LeaveThisList:   "Seulement cette liste",
	LeaveSender:     "Tous les messages de {sender}",
	LeaveEverything: "Tout ce qui passe par {company}, quel que soit l’expéditeur",
	LeaveButton:     "Arrêter ces messages",

	DoneTitle:      "C’est arrêté",
	DoneList:       "Vous ne recevrez plus de messages de « {list} ».",
	DoneThisList:   "Vous ne recevrez plus de messages de cette liste.",
	DoneSender:     "Vous ne recevrez plus de messages de {sender}.",
	DoneEverything: "Vous ne recevrez plus aucun message passant par {company}, quel que soit l’expéditeur.",
	OnTheWay:       "Un message déjà parti peut encore arriver.",

	UndoAsk:       "C’était une erreur ? Vous pouvez annuler pendant {minutes} minutes.",
	UndoButton:    "Annuler l’arrêt",
	UndoneTitle:   "L’arrêt est annulé",
	Undone:        "Les messages arriveront comme avant.",
	UndoneHere:    "L’arrêt est annulé. Mais il avait aussi mis fin à votre consentement à ces messages, que vous seul pouvez redonner : pour les recevoir, inscrivez-vous auprès de l’expéditeur.",
	UndoGoneTitle: "Il n’est plus possible d’annuler",
	UndoGone:      "Le délai est passé, ou vous avez fait un autre choix depuis. Pour recevoir de nouveau des messages, inscrivez-vous auprès de l’expéditeur.",

	ChoicesTitle:   "Vos choix",
	ChoicesAsk:     "Cochez ce qu’il faut arrêter.",
	ChoicesStopped: "arrêté",
	ChoicesButton:  "Arrêter ce qui est coché",
	ChoicesNone:    "Vous n’avez rien coché : rien n’a changé.",
	ChoicesBack:    "Pour recevoir de nouveau ce qui a été arrêté, inscrivez-vous auprès de l’expéditeur.",

	StopTitle:   "Arrêter les messages à une adresse",
	StopAsk:     "Indiquez l’adresse qui ne doit plus recevoir de messages. Aucun compte n’est nécessaire, et c’est gratuit.",
	StopAddress: "Adresse électronique",
	StopScope:   "Que faut-il arrêter ?",
	StopButton:  "Arrêter les messages",
	StopDone:    "Désormais, rien de ce que vous avez choisi n’est envoyé à cette adresse. Par respect de la vie privée, cette page ne dit pas si des messages y étaient envoyés auparavant.",
	StopInvalid: "Cela ne ressemble pas à une adresse électronique. Veuillez la vérifier.",

	Received: "Reçu.",

	UnknownTitle: "Ce lien ne fonctionne pas",
	Unknown:      "Une partie s’est peut-être perdue en route. Veuillez l’ouvrir de nouveau depuis le message.",
	UnknownForm:  "Ou indiquez votre adresse",
	FailedTitle:  "Cela n’a pas fonctionné",
	Failed:       "Rien n’a changé. Veuillez réessayer dans une minute.",
	ManyTitle:    "Trop de demandes",
	Many:         "Veuillez réessayer plus tard.",
	BadTitle:     "La demande n’a pas été comprise",
	Bad:          "Rien n’a changé. Veuillez ouvrir le lien de nouveau et utiliser le bouton.",
}
