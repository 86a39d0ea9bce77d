package unsubscribe

var spanish = Texts{
	ThisSender:  "este remitente",
	ThisCompany: "nuestro servicio",

	LeaveTitle:      "Dejar de recibir mensajes",
	LeaveAsk:        "¿Qué mensajes no quiere recibir más?",
	LeaveList:       "Solo «{list}»",
	LeaveThisList:   "Solo esta lista",
	LeaveSender:     "Todo lo de {sender}",
	LeaveEverything: "Todo lo que se envía a través de {company}, de cualquier remitente",
	LeaveButton:     "Dejar de recibirlos",

	DoneTitle:      "Baja hecha",
	DoneList:       "No recibirá más mensajes de «{list}».",
	DoneThisList:   "No recibirá más mensajes de esta lista.",
	DoneSender:     "No recibirá más mensajes de {sender}.",
	DoneEverything: "No recibirá más mensajes enviados a través de {company}, de ningún remitente.",
	OnTheWay:       "Un mensaje que ya estaba en camino aún puede llegar.",

	UndoAsk:       "¿Fue un error? Puede deshacerlo durante {minutes} minutos.",
	UndoButton:    "Deshacer",
	UndoneTitle:   "Está deshecho",
	Undone:        "Los mensajes llegarán como antes.",
	UndoneHere:    "La baja está deshecha. Pero también había puesto fin a su consentimiento para estos mensajes, que solo usted puede volver a dar: para recibirlos, suscríbase de nuevo con el remitente.",
	UndoGoneTitle: "Esto ya no se puede deshacer",
	UndoGone:      "El plazo terminó, o ha elegido otra cosa desde entonces. Para volver a recibir mensajes, suscríbase de nuevo con el remitente.",

	ChoicesTitle:   "Sus preferencias",
	ChoicesAsk:     "Marque lo que no quiere recibir más.",
	ChoicesStopped: "dado de baja",
	ChoicesButton:  "Dar de baja lo marcado",
	ChoicesNone:    "No ha marcado nada, así que nada ha cambiado.",
	ChoicesBack:    "Para volver a recibir lo que dio de baja, suscríbase de nuevo con el remitente.",

	StopTitle:   "Dejar de recibir mensajes en una dirección",
	StopAsk:     "Indique la dirección que no debe recibir más mensajes. No necesita una cuenta y no cuesta nada.",
	StopAddress: "Dirección de correo electrónico",
	StopScope:   "¿Qué no quiere recibir más?",
	StopButton:  "Dejar de recibir mensajes",
	StopDone:    "Desde ahora no se envía a esta dirección nada de lo que ha elegido. Por la privacidad de todos, esta página no dice si antes se le enviaba algo.",
	StopInvalid: "Esto no parece una dirección de correo electrónico. Por favor, revísela.",

	Received: "Recibido.",

	UnknownTitle: "Este enlace no funciona",
	Unknown:      "Puede que una parte se haya perdido en el camino. Ábralo otra vez desde el mensaje.",
	UnknownForm:  "O indique su dirección",
	FailedTitle:  "No ha funcionado",
	Failed:       "Nada ha cambiado. Inténtelo otra vez dentro de un minuto.",
	ManyTitle:    "Demasiadas veces",
	Many:         "Inténtelo más tarde.",
	BadTitle:     "No se ha entendido",
	Bad:          "Nada ha cambiado. Abra el enlace otra vez y use el botón.",
}
