package api

// A kind is shown to clients only when somebody acts on it: a StatefulSet that is accepted and then ignored would be a lie. Rows of
// kinds whose actor is not there yet name it in Awaiting; such a row is found by Lookup, so that its rules can be tested and
// its objects stored, but All, discovery and documents leave it out, and the server answers its paths with "not found".
//
// To let a kind out when its actor arrives: set the actor's constant to "".
const (
	statefulSetController = ""
	daemonSetController   = ""
	replicationController = ""
	jobController         = ""
	cronJobController     = ""
	disruptionController  = ""
	quotaController       = ""
	endpointsController   = ""
	ingressController     = ""
	networkPolicyProxy    = ""
	addressAllocator      = ""
	volumeControllers     = ""
)

// Upcoming lists the kinds that have rules but nobody who acts on them, ordered as All. The slice is the caller's.
func Upcoming() []*Resource {
	return append([]*Resource(nil), table().upcoming...)
}
