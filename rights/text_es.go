package rights

//nolint:misspell // Spanish is no misspelt English
var spanish = texts{
	received: Text{
		"Hemos recibido su solicitud",
		"Hemos recibido su solicitud el {received}. Su número es {request}.\n\nResponderemos a más tardar el {due}. Si tenemos que asegurarnos de quién es usted, o de lo que quiere decir, le escribiremos otra vez antes.\n",
	},
	code: Text{
		"Su código",
		"Su código es {code}. Vale durante {minutes} minutos y una sola vez.\n\nSi no lo ha pedido, no tiene que hacer nada.\n",
	},
	extended: Text{
		"Necesitamos más tiempo para su solicitud",
		"No podemos responder a su solicitud en el plazo habitual. {reason}\n\nUsamos el plazo más largo que la ley permite para ello. Puede reclamar ante la autoridad de protección de datos y acudir a los tribunales.\n",
	},
	refused:     Text{"No podemos atender su solicitud", "No podemos hacer lo que ha pedido."},
	partRefused: Text{"No podemos atender una parte de su solicitud", "No podemos hacer una parte de lo que ha pedido."},

	extensions: map[ExtensionReason]string{
		Complexity:       "Es compleja, y tramitarla bien lleva más tiempo.",
		NumberOfRequests: "Hemos recibido muchas solicitudes suyas.",
		Consultation:     "Tenemos que consultar a otros antes de responder.",
		Interference:     "Responder en ese plazo entorpecería sin razón el resto de nuestro trabajo.",
		FormatConversion: "Primero hay que convertir los datos a otra forma.",
	},
	reasons: map[Reason]string{
		NotVerified:         "No hemos podido asegurarnos de que usted es la persona a la que se refieren los datos.",
		AgentNotAuthorised:  "Lo ha pedido para otra persona, y no tenemos un consentimiento firmado de esa persona que lo permita.",
		NotIdentifiable:     "No podemos saber qué datos son suyos, ni averiguarlo.",
		NoData:              "Hemos buscado, y no tenemos datos sobre usted.",
		ManifestlyUnfounded: "La solicitud es manifiestamente infundada.",
		Excessive:           "La solicitud es excesiva.",
		AbusiveIntent:       "La solicitud se hizo con un fin distinto de la protección de sus datos.",
		RepeatedTooSoon:     "Hizo la misma solicitud hace poco, y la ley solo permite repetirla más adelante.",
		RightsOfOthers:      "Hacerlo dañaría los derechos de otras personas.",
		LegalObligation:     "La ley nos obliga a conservar estos datos.",
		FreeExpression:      "Los datos son necesarios para la libertad de expresión e información.",
		PublicHealth:        "Los datos son necesarios para la salud pública.",
		ArchivingResearch:   "Los datos son necesarios para archivos o investigación de interés público, que se verían gravemente perjudicados.",
		LegalClaims:         "Los datos son necesarios para formular, ejercer o defender reclamaciones.",
		ContractRunning:     "Los datos son necesarios para un contrato con usted que sigue en vigor.",
		SecurityFraud:       "Los datos son necesarios para la seguridad de nuestros sistemas y para prevenir el fraude.",
		Privilege:           "Los datos están protegidos por el secreto profesional.",
		OutsideLaw:          "La ley que invoca no se aplica aquí.",
		NotController:       "Solo tratamos estos datos por encargo de otro, que decide sobre ellos. Le hemos remitido su solicitud.",
		MustNotBeDisclosed:  "La ley nos prohíbe entregar datos de esta clase, incluso a usted.",
	},
	scope:          "Se trata de: {scope}.",
	citation:       "Nos basamos en: {citation}.",
	rest:           "Haremos el resto de lo que ha pedido.",
	review:         "Lo revisaremos de nuevo a más tardar el {review}.",
	authority:      "Puede reclamar ante la autoridad de protección de datos del lugar donde vive, donde trabaja, o donde crea que se ha infringido la ley.",
	authorityNamed: "Puede reclamar ante la autoridad de protección de datos: {name}.",
	court:          "También puede acudir a los tribunales.",
	courtNamed:     "También puede acudir a los tribunales: {name}.",
	appeal:         "Puede recurrir ante nosotros hasta el {day}. Lo examinará alguien que no decidió la primera vez.",
	appealNamed:    "Puede recurrir ante nosotros hasta el {day}: {name}. Lo examinará alguien que no decidió la primera vez.",
}
