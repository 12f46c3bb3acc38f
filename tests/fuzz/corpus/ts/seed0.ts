@problemName X
@timeStamps true
@classLabel true a b
@data
(2004-08-10 18:00:00,1.5),(2004-08-11,?):(1,3),(2,4):b
