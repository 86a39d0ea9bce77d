package export

import "strings"

// texts are what the pages say in one language; {…} stands for a value.
type texts struct {
	Tag string

	IndexTitle string
	// IndexIntro has {controller}, {date} and {request}.
	IndexIntro                      string
	MissingTitle                    string
	KeptTitle, KeptIntro            string
	HeadSource, HeadType, HeadField string
	HeadReason, HeadCount, HeadID   string
	HeadPurpose, HeadCategory       string
	SourceEmpty, SourceAbsent       string
	// SourcePartial is a sentence; Because has {reason}.
	SourcePartial, Because string
	// Shown has {shown} and {count}, ShownAll {count}.
	Shown, ShownAll       string
	FilesTitle, FilesText string
	Yes, No               string
	// BytesNote has {n}, RedactedNote {reason}.
	BytesNote, RedactedNote string

	SheetTitle, SheetIntro, SheetAbsent, SheetLacks           string
	Officer, RightsText, AuthorityText                        string
	RecipientsNone, OriginsNone, AutomatedNone, TransfersNone string

	DownloadTitle, DownloadText, DownloadButton string
	UsedTitle, UsedText                         string
	ExpiredTitle, ExpiredText                   string
	UnknownTitle, UnknownText                   string
	FailedTitle, FailedText, BadTitle, BadText  string

	Reasons map[Reason]string
	Parts   map[SheetPart]string
}

var catalogue = []*texts{&english, &german, &french, &spanish}

// Languages are the tags of the languages that the pages are in.
func Languages() []string {
	tags := make([]string, len(catalogue))
	for i, t := range catalogue {
		tags[i] = t.Tag
	}
	return tags
}

// textsFor finds the texts for a tag such as "de-AT"; English where there are none.
func textsFor(language string) *texts {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	for _, t := range catalogue {
		if t.Tag == base {
			return t
		}
	}
	return &english
}

// textsForRequest finds the first of the languages that a browser asks for.
func textsForRequest(accept string) *texts {
	if len(accept) > 512 {
		return &english
	}
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		base, _, _ := strings.Cut(strings.ToLower(tag), "-")
		for _, t := range catalogue {
			if t.Tag == base {
				return t
			}
		}
	}
	return &english
}
