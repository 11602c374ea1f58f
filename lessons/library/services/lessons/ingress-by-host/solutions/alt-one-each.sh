#!/bin/sh
# about: the controller comes first, from its manifest; an Ingress for each shop, made without a file; the more special path in an Ingress of its own
# answer: who controller
# answer: prefix old
set -e
drydock addon show ingress | kubectl apply -f -
kubectl create ingress toys --class=drydock --rule='toys.example/*=toys:80'
kubectl create ingress reviews --class=drydock --rule='books.example/reviews*=reviews:80'
kubectl create ingress books --class=drydock --rule='books.example/*=books:80'
kubectl rollout status --namespace=ingress deployment/ingress --timeout=60s
