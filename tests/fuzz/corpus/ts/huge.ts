@univariate true
@classLabel false
@data
1e999,-1e999,1e-999,inf,nan
