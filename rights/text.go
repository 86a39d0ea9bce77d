package rights

import (
	"strconv"
	"strings"
	"time"

	"github.com/trothdev/troth/deadline"
)

// texts are what people are told, in one language. Words in braces are put in.
type texts struct {
	received, code, extended, refused, partRefused, lifting Text

	extensions map[ExtensionReason]string
	reasons    map[Reason]string

	// The rest are sentences of refusals.
	scope, citation, rest, authority, authorityNamed, court, courtNamed, appeal, appealNamed, review, liftingNow, liftingOn string
}

var languages = map[string]*texts{"en": &english, "de": &german, "fr": &french, "es": &spanish}

// wordsOf are the texts in a language; English where there are none.
func wordsOf(language string) *texts {
	if t := languages[language]; t != nil {
		return t
	}
	return &english
}

// fill puts words into a text.
func (t Text) fill(pairs ...string) Text {
	r := strings.NewReplacer(pairs...)
	return Text{r.Replace(t.Subject), r.Replace(t.Body)}
}

func dayOf(at time.Time, loc *time.Location) string { return deadline.DateOf(at, loc).String() }

// lastDay is the day that ends at an instant.
func lastDay(end time.Time, loc *time.Location) string { return dayOf(end.Add(-time.Microsecond), loc) }

func codeText(language, code string, life time.Duration) Text {
	return wordsOf(language).code.fill("{code}", code[:4]+"-"+code[4:], "{minutes}", strconv.Itoa(int(life.Minutes())))
}

func extensionText(language string, reason ExtensionReason) Text {
	t := wordsOf(language)
	return t.extended.fill("{reason}", t.extensions[reason])
}

func receivedText(language, request string, received, due time.Time, loc *time.Location) Text {
	return wordsOf(language).received.fill("{request}", request, "{received}", dayOf(received, loc), "{due}", lastDay(due, loc))
}

// liftingText tells that a restriction ends: on a day, or, without one, now.
func liftingText(language, request string, at time.Time, loc *time.Location) Text {
	t := wordsOf(language)
	end := t.liftingNow
	if !at.IsZero() {
		end = strings.NewReplacer("{day}", dayOf(at, loc)).Replace(t.liftingOn)
	}
	return t.lifting.fill("{request}", request, "{end}", end)
}

// refusalText is what a person must be told of a refusal: the reasons, the authority, the
// courts (GDPR Article 12(4)), the appeal where there is one, and the rest.
func refusalText(language string, f *Refusal, remedy Remedy, part bool, loc *time.Location) Text {
	t := wordsOf(language)
	lines := []string{t.reasons[f.Reason], strings.NewReplacer("{citation}", f.Citation).Replace(t.citation)}
	if len(f.Scope) > 0 {
		lines = append(lines, strings.NewReplacer("{scope}", strings.Join(f.Scope, ", ")).Replace(t.scope))
	}
	if !f.Review.IsZero() {
		lines = append(lines, strings.NewReplacer("{review}", dayOf(f.Review, loc)).Replace(t.review))
	}
	if part {
		lines = append(lines, t.rest)
	}
	lines = append(lines, either(remedy.Authority, t.authorityNamed, t.authority), either(remedy.Court, t.courtNamed, t.court))
	if !f.AppealBy.IsZero() {
		lines = append(lines, strings.NewReplacer("{day}", lastDay(f.AppealBy, loc)).Replace(either(remedy.Appeal, t.appealNamed, t.appeal)))
	}
	frame := t.refused
	if part {
		frame = t.partRefused
	}
	return Text{frame.Subject, frame.Body + "\n\n" + strings.Join(lines, "\n\n") + "\n"}
}

// either is a sentence with a name in it, or one without, if there is no name.
func either(name, named, general string) string {
	if name == "" {
		return general
	}
	return strings.NewReplacer("{name}", name).Replace(named)
}
