package unsubscribe

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
)

// Texts are the words of the pages in one language. In them {sender} stands for
// the client's name, {list} for the list's, {company} for the host's own, and
// {minutes} for how long something can be undone.
type Texts struct {
	// ThisSender and ThisCompany stand for names that are not known.
	ThisSender, ThisCompany string

	// The page behind a link. LeaveThisList and DoneThisList are for a list whose
	// name is not known.
	LeaveTitle, LeaveAsk, LeaveList, LeaveThisList, LeaveSender, LeaveEverything, LeaveButton string

	// After it, by how much was stopped; OnTheWay is about messages handed over before.
	DoneTitle, DoneList, DoneThisList, DoneSender, DoneEverything, OnTheWay string

	// Taking it back. UndoneHere is for people whose consent the opt-out ended, which
	// only a new one brings back.
	UndoAsk, UndoButton, UndoneTitle, Undone, UndoneHere, UndoGoneTitle, UndoGone string

	// The preference page.
	ChoicesTitle, ChoicesAsk, ChoicesStopped, ChoicesButton, ChoicesNone, ChoicesBack string

	// The public form. StopDone must say the same for an address that is known and
	// for one that is not.
	StopTitle, StopAsk, StopAddress, StopScope, StopButton, StopDone, StopInvalid string

	// Received answers a mailbox provider, which shows it to nobody.
	Received string

	// What went wrong.
	UnknownTitle, Unknown, UnknownForm, FailedTitle, Failed, ManyTitle, Many, BadTitle, Bad string
}

// Catalogue are the texts by language, as BCP 47 tags.
type Catalogue map[string]Texts

// ShippedTexts are those that come with the package: English, French, German and
// Spanish. The map is the caller's to change and to extend.
func ShippedTexts() Catalogue {
	return Catalogue{"en": english, "fr": french, "de": german, "es": spanish}
}

// lower returns the catalogue by tags in lower case, and demands that no text is
// missing: half a page in another language helps nobody.
func (c Catalogue) lower() (map[string]localTexts, error) {
	all := make(map[string]localTexts, len(c))
	for tag, texts := range maps.All(c) {
		if tag == "" || strings.ContainsAny(tag, " \"<>\r\n") {
			return nil, fmt.Errorf("unsubscribe: %q is not a language", tag)
		}
		v := reflect.ValueOf(texts)
		for i := range v.NumField() {
			if v.Field(i).String() == "" {
				return nil, fmt.Errorf("unsubscribe: texts in %q have no %s", tag, v.Type().Field(i).Name)
			}
		}
		all[strings.ToLower(tag)] = localTexts{Tag: tag, Texts: texts}
	}
	return all, nil
}

// localTexts are texts with the tag of their language as it was written.
type localTexts struct {
	Tag string
	Texts
}
