package rights

//nolint:misspell // French is no misspelt English
var french = texts{
	received: Text{
		"Nous avons reçu votre demande",
		"Nous avons reçu votre demande le {received}. Son numéro est {request}.\n\nNous répondrons au plus tard le {due}. S’il nous faut nous assurer de votre identité, ou de ce que vous souhaitez, nous vous écrirons de nouveau auparavant.\n",
	},
	code: Text{
		"Votre code",
		"Votre code est {code}. Il est valable {minutes} minutes et une seule fois.\n\nSi vous ne l’avez pas demandé, vous n’avez rien à faire.\n",
	},
	extended: Text{
		"Il nous faut plus de temps pour votre demande",
		"Nous ne pouvons pas répondre à votre demande dans le délai habituel. {reason}\n\nNous utilisons le délai plus long que la loi prévoit pour cela. Vous pouvez introduire une réclamation auprès de l’autorité de protection des données et former un recours juridictionnel.\n",
	},
	refused:     Text{"Votre demande ne peut pas être satisfaite", "Nous ne pouvons pas faire ce que vous avez demandé."},
	partRefused: Text{"Une partie de votre demande ne peut pas être satisfaite", "Nous ne pouvons pas faire une partie de ce que vous avez demandé."},

	lifting: Text{
		"Nous allons utiliser de nouveau vos données",
		"Vous nous avez demandé de conserver vos données sans les utiliser. Votre demande porte le numéro {request}. {end}\n\nVous pouvez introduire une réclamation auprès de l’autorité de protection des données et former un recours juridictionnel.\n",
	},
	liftingNow: "Cette limitation prend fin maintenant que vous avez ce message.",
	liftingOn:  "Cette limitation prend fin le {day}.",

	extensions: map[ExtensionReason]string{
		Complexity:       "Elle est complexe, et la traiter correctement prend plus de temps.",
		NumberOfRequests: "Nous avons reçu de nombreuses demandes de votre part.",
		Consultation:     "Nous devons consulter d’autres personnes avant de répondre.",
		Interference:     "Répondre dans ce délai entraverait de façon déraisonnable le reste de notre activité.",
		FormatConversion: "Les données doivent d’abord être converties.",
	},
	reasons: map[Reason]string{
		NotVerified:         "Nous n’avons pas pu nous assurer que vous êtes la personne que les données concernent.",
		AgentNotAuthorised:  "Vous avez fait la demande pour une autre personne, et nous n’avons pas son accord signé qui le permette.",
		NotIdentifiable:     "Nous ne pouvons pas savoir quelles données sont les vôtres, ni le découvrir.",
		NoData:              "Nous avons cherché, et n’avons aucune donnée à votre sujet.",
		ManifestlyUnfounded: "La demande est manifestement infondée.",
		Excessive:           "La demande est excessive.",
		AbusiveIntent:       "La demande a été faite dans un autre but que la protection de vos données.",
		RepeatedTooSoon:     "Vous avez fait la même demande il y a peu, et la loi ne permet de la répéter que plus tard.",
		RightsOfOthers:      "Cela porterait atteinte aux droits d’autres personnes.",
		LegalObligation:     "La loi nous oblige à conserver ces données.",
		FreeExpression:      "Les données sont nécessaires à la liberté d’expression et d’information.",
		PublicHealth:        "Les données sont nécessaires à la santé publique.",
		ArchivingResearch:   "Les données sont nécessaires à des archives ou à la recherche dans l’intérêt public, qui seraient gravement compromises.",
		LegalClaims:         "Les données sont nécessaires à la constatation, à l’exercice ou à la défense de droits en justice.",
		ContractRunning:     "Les données sont nécessaires à un contrat avec vous qui est en cours.",
		SecurityFraud:       "Les données sont nécessaires à la sécurité de nos systèmes et à la prévention de la fraude.",
		Privilege:           "Les données sont couvertes par le secret professionnel.",
		OutsideLaw:          "La loi que vous invoquez ne s’applique pas ici.",
		NotController:       "Nous ne traitons ces données que pour le compte d’un autre organisme, qui en décide. Nous lui avons transmis votre demande.",
		MustNotBeDisclosed:  "La loi nous interdit de communiquer ce genre de données, même à vous.",
	},
	scope:          "Il s’agit de : {scope}.",
	citation:       "Nous nous fondons sur : {citation}.",
	rest:           "Nous faisons le reste de ce que vous avez demandé.",
	review:         "Nous réexaminerons cela d’ici le {review}.",
	authority:      "Vous pouvez introduire une réclamation auprès de l’autorité de protection des données du lieu où vous habitez, où vous travaillez, ou où la loi vous semble avoir été violée.",
	authorityNamed: "Vous pouvez introduire une réclamation auprès de l’autorité de protection des données : {name}.",
	court:          "Vous pouvez aussi saisir la justice.",
	courtNamed:     "Vous pouvez aussi saisir la justice : {name}.",
	appeal:         "Vous pouvez nous demander de revoir cette décision jusqu’au {day}. Quelqu’un qui n’a pas pris la première la réexaminera.",
	appealNamed:    "Vous pouvez nous demander de revoir cette décision jusqu’au {day} : {name}. Quelqu’un qui n’a pas pris la première la réexaminera.",
}
