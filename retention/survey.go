package retention

// Survey asks for records without changing them, page by page: for previews.
type Survey struct {
	Kind SurveyKind
	// Cut is what [SurveyCut] is about, At the instant of [SurveyDue], Below the version
	// of [SurveyStale], Class the class of [SurveyWaiting].
	Cut   Cut
	At    int64
	Below uint32
	Class string
	// After is the last row of the page before; nil asks for the first page.
	After *RecordRow
}

// SurveyKind says which records a survey asks for.
type SurveyKind string

const (
	// SurveyCut asks for what [SystemStore.CutRecords] finds, by anchor and then by key.
	SurveyCut SurveyKind = "cut"
	// SurveyDue asks for what [SystemStore.DueRecords] finds, by DueAt and then by key.
	SurveyDue SurveyKind = "due"
	// SurveyStale asks for what [SystemStore.StaleRecords] finds, by Policy and then by
	// key.
	SurveyStale SurveyKind = "stale"
	// SurveyWaiting asks for records of a class whose DueAt is [Waiting], by key.
	SurveyWaiting SurveyKind = "waiting"
)
