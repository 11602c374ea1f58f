// Package api knows which kinds exist and what is true of each: its defaults, its rules, its columns, its documents.
//
// # Part played
//
// API machinery: the part of kube-apiserver that is about kinds rather than about requests. It is the only importer of
// k8s.io/kubernetes, because upstream's defaulting, validation and printing code is what makes error texts and columns equal
// to a real cluster's to the letter.
//
// # How it works
//
// A manifest arrives as bytes. Decode turns it into an external type (corev1.Pod) and lists the unknown and doubled fields.
// Lookup finds the Resource of its URL, one row of the table (catalogue.go, and the rows by theme: corekinds.go, workloadkinds.go,
// policykinds.go, networkkinds.go, storagekinds.go). Resource.Default fills in what the user left
// out. Resource.BeforeCreate gives it a name, a uid and a first status, converts it to upstream's internal type, runs
// upstream's validation, handwritten and generated, and converts it back; the answer is either warnings or an error that is
// already an API status with one cause for each bad field. BeforeUpdate does the same for a change, and knows which half of
// the object a subresource may touch. Table prints it, SelectableFields says what a field selector may ask of it, FieldManager
// remembers who owns which field, and Discovery and OpenAPI describe the whole table to clients.
//
// To add a kind: one row, and one small file of strategy with its rules (see job.go, limitrange.go). A kind has a row when
// somebody acts on it: an object that is accepted and then ignored would be a lie.
//
// Internal types never leave this package. Everything here may be called at the same time.
//
// # Left out
//
// Only the newest stable version of each group is served. There are no custom resources, no conversion webhooks, no CBOR, and
// feature gates stand at upstream's defaults. Cluster addresses and node ports of a Service are handed out elsewhere
// (engine/apiserver), as upstream does in the registry's storage.
//
// # In Kubernetes
//
// k8s.io/kubernetes/pkg/registry/*/*/strategy.go and k8s.io/apiserver/pkg/registry/rest (create.go, update.go, delete.go);
// pkg/apis (types, defaults, validation); pkg/printers/internalversion; pkg/generated/openapi;
// k8s.io/apiserver/pkg/endpoints/discovery.
package api
